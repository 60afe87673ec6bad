"""The service on HTTP: connections, bodies, routes, answers, and the way down."""

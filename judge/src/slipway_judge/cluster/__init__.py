"""The API server: the plan read, the state written, the weights of the route."""

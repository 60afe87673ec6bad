"""The admin API and the page of the keys service, on a port of their own: keys, requests for access, usage, statements."""

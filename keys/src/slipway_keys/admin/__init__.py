"""The admin API and the page of the keys service: keys, requests for access, usage, statements."""

"""Which parts of one request decided a model's answer."""

"""Which cluster a program means, and the way to its API server."""

"""Weights that are not in the repository: addresses of them, and the way from there into this machine's cache."""

"""Keeps samples of requests and answers, encrypted, in a store of objects."""

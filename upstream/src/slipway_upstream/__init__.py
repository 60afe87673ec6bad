"""Servers of others, started in images that Slipway builds: what they are told, and what runs a model in them."""

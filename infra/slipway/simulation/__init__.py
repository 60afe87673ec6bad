"""A trace of requests replayed through the rules of scaling: what replicas, latency and lost requests come of it."""

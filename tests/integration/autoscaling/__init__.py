"""Replicas that follow the load, on the real cluster with the real autoscaler and the real Prometheus."""

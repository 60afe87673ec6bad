"""What the gateway counted of the calls of clients, out of Prometheus."""

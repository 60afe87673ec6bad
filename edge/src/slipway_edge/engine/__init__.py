"""What runs containers: the port, and a Docker Engine behind it."""

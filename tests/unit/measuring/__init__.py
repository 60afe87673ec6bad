"""What is measured of a model on this machine."""

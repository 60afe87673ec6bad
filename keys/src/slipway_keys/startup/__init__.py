"""Wires the service up, and takes it down so that nothing is lost."""

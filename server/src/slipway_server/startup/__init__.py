"""Wires the server up and asks the golden request before it says that it is ready."""

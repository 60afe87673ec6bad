"""Bring inputs of a device to its models, and their answers to where they are wanted."""

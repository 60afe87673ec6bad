"""Mirrored calls asked again of both releases, and their answers compared."""

"""The commands that change an environment, without an engine."""

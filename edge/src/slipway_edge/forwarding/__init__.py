"""The local port of each model, which leads to the version that is in service."""

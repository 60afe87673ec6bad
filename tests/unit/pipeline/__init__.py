"""Pipelines, put together."""

"""Manifests that a rollout adds to a model's own: its candidate, its judge, and the route to both."""

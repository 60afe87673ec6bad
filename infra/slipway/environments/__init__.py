"""Environments, kind by kind: what planning one needs, and what running one needs."""

"""Rates and budgets: decided by the database for all replicas together."""

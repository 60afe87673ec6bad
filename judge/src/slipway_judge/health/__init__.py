"""Health and metrics for the cluster."""

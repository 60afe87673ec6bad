"""Health and metrics on HTTP."""

"""What the server tells of itself: log, metrics, statistics."""

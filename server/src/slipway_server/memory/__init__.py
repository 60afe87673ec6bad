"""The memory that clients can make the server hold: the pod's limit, and the budget that follows from it."""

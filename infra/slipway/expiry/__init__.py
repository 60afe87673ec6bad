"""Which images of a model may be deleted: those that nothing runs, and that nobody can go back to."""

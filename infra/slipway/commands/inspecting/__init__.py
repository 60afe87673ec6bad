"""Commands that change nothing: about plans, about what is live, and about the difference."""

"""Errors as users see them: one family, each a whole message with an exit code."""

"""What callers show, and what models are shown: keys, tokens of others, passes."""

"""One object: its inputs, what a change of it does, and the change itself."""

"""The programs of the stacks; they only put components in order."""

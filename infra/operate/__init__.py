"""Commands that change an environment: up, down, rotate."""

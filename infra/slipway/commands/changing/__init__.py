"""Commands that change an environment or its settings, and what plain `pulumi up` runs."""

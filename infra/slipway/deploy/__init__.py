"""Drive stacks: one engine run, its locks, the judgement of what it brought, and the way back."""

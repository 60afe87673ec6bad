"""The Pulumi engine: one operation on one stack, its locks, and what killed runs left."""

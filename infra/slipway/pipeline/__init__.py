"""Puts pipelines together: what a sequence of models takes and gives, from what each of them does."""

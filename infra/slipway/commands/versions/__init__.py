"""Commands about versions of models: history, rollback, restart."""

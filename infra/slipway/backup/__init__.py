"""Backups of what an environment cannot make again: Pulumi's states, the history, keys and ledger."""

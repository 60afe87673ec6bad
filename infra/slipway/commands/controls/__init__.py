"""The command that holds an environment against controls."""

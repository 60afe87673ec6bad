"""What users are told when something goes wrong: one family of errors, each a whole message with an exit code."""

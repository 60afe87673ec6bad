"""Commands: enrol, run."""

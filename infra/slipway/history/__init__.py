"""What became of each model of an environment, and who did what: kept beside Pulumi's state, only ever added."""

"""What became of each model of an environment, and when: entries beside Pulumi's state, only ever added."""

"""Plan, state, evidence, configuration."""

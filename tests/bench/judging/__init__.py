"""What judging a rollout costs the calls that go on meanwhile."""

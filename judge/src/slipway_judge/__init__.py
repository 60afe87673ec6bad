"""The judge of a rollout: it compares a new release with the old one on real calls, and moves the traffic."""

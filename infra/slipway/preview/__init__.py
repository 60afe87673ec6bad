"""What an `up` would do, said before it: models, manifests, prices, rollouts, and what the engine says."""

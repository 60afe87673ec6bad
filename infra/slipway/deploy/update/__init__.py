"""The steps of one update of a model, by themselves and as a rollout that is judged by its answers."""

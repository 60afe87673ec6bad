"""Contains what a spec says about a model's tensors: what comes before it, and what after."""

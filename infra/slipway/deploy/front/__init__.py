"""The way that clients take to a model: what its gateway counted, and whether an answer comes by it."""

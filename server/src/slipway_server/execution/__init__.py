"""Runs a model, whatever computes it: batcher, and the trials that decide whether requests share a run."""

"""Measure what steps made of a model beside the model itself, and decide whether it may serve."""

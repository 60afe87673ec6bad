"""Answers by asking other models: stages one after another, models of a stage side by side."""

"""A model's weights, brought from the model store into its pod before the model server starts."""

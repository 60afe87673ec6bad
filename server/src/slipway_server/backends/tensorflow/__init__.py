"""Runs SavedModels and Keras archives by TensorFlow, on CPUs."""

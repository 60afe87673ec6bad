"""What runs models: one module for each runtime, and the registry of all of them."""

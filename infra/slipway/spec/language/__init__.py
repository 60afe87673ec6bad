"""What a spec says about a language model."""

"""The rules of each model, as its HTTPRoute carries them."""

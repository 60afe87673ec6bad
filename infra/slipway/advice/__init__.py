"""Advises where a model runs best, and compares its versions, by what is known of them."""

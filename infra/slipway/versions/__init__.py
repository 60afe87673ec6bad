"""Versions of a model: what became of each is noted, and any that was judged right can be had back."""

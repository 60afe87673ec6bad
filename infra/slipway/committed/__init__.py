"""Versions of models in git's history, and whether those in the files here go on from there as they have to."""

"""Bring images and weights: within hours and bandwidth, piece by piece, from where it broke off."""

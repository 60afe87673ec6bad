"""Counts what inputs and outputs are like, in the bins of a profile, and keeps none of them."""

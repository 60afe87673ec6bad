"""Recognise the format of weights by what is in them, and unpack archives of them, without running anything."""

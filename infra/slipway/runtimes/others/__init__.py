"""Servers that others make: for each, what it is told in its own words, and how it is asked."""

"""Facts with a date and a source: what AWS offers, what is pinned, what a pod agrees on with its image."""

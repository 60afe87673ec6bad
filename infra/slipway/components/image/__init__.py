"""Images: what they are built from, built and pushed once, and referred to by digest."""

"""What a spec says about an image that brings its own server: where it is, what it is told, whom it may ask."""

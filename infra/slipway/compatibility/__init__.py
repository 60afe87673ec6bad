"""What a version of a model promises: what is in it, and how much higher the version of something else has to be."""

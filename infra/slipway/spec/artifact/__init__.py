"""What a spec says about the trained weights: where they are, what is made of them, and what is accepted."""

"""What a person writes about one model."""

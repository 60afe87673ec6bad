"""What a person writes about one environment."""

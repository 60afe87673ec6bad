"""What one environment has judged right, brought to the next: the same image, other settings."""

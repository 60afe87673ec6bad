"""What is desired, what a device is, and what is refused; no effects."""

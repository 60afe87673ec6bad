"""What the device says of itself: measured, bounded, kept until it can be sent."""

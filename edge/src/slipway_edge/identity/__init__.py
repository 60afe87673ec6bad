"""The key of the device, and signatures of what it is sent."""

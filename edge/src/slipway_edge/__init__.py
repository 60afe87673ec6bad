"""The agent of a device: pulls what is desired, runs it on a Docker Engine, and goes back to what was good."""

"""`make edge`: four devices on this machine, against the real control side."""

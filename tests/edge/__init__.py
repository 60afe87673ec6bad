"""`make edge`: three devices on this machine, against the real control side."""

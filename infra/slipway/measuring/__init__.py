"""A model measured on this machine, under the limits of a replica: what it manages, and what its spec should say."""

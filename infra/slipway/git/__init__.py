"""A person's git repository, only ever read, and without running anything that its configuration names."""

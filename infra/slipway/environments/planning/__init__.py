"""What planning an environment needs, kind by kind: its pools, charges and repositories, from settings alone."""

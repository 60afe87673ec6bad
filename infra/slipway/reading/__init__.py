"""Files of a person, read within limits: YAML with the line of every value, and findings about it."""

"""A model run over the rows of a file, in parts that a killed run leaves whole and the next one goes on behind."""

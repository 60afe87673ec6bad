"""Named types of single values, each with its rule: quantities, names, addresses."""

"""Types of single values: keys, limits, prices, configuration, time."""

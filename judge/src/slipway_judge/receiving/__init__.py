"""The mirrored calls that the gateway sends, taken in within bounds."""

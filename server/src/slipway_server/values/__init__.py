"""What the rest of the server speaks of: signatures, arrays, expectations, configuration, words of errors."""

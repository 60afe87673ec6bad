"""What outlives a power cut: files that are written whole, and the record of what was good."""

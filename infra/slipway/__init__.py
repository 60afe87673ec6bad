"""The library: from what a person writes to what runs. Nothing happens at import."""

"""Commands that run models over files."""

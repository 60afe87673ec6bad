"""What a spec says about a server that others make, which Slipway knows how to configure."""

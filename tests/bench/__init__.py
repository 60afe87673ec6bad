"""What `make bench` runs: Slipway beside its peers, in the same run on the same machine."""

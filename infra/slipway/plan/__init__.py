"""What is planned, as data: names, digests, pools and bounds of an environment and its models."""

"""An AWS account, as it really is."""

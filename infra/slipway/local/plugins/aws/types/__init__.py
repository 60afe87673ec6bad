"""The resource types of pulumi-aws that Slipway's programs use, one module for each kind of thing."""

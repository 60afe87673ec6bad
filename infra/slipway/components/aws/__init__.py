"""The components of an environment of kind `aws`; imported only for one, since pulumi-aws is an extra."""

"""What an environment of kind `aws` is put together from; imported only for one, since pulumi-aws is an extra."""

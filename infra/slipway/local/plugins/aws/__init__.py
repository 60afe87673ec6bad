"""A stand-in for the pulumi-aws plugin, for rehearsals: moto keeps what AWS would keep.

It speaks the provider protocol to the real engine and turns each resource type that Slipway uses into calls of
boto3: botocore validates every parameter by Amazon's own service models, moto's server keeps the state. What moto
cannot do is still validated by botocore and then kept by the stand-in itself. A journal tells the two apart. A type
or property that it does not know is refused by name.
"""

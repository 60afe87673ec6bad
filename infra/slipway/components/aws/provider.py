"""The AWS provider of a stack: one region, and one account that every call is held to."""

import pulumi
from pulumi_aws import Provider


def aws_provider(name: str, account: str, region: str, opts: pulumi.ResourceOptions | None = None) -> Provider:
    """Return the provider. Credentials are the caller's own; those of another account than `account` are refused.

    Tags are given to every resource by itself, not by the provider: what a resource carries is then seen in its plan.
    """
    return Provider(name, region=region, allowed_account_ids=[account], opts=opts)

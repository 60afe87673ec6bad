"""Hold back what stands on something that AWS makes known only some seconds after the call that made it returned.

Access to a cluster: "access entry creation and updates are eventually consistent, and may take several seconds to be
effective" (https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html). Associations of Pod Identity the same
(.../pod-id-how-it-works.html): EKS gives a pod its credentials when it is admitted and at no other time, so that one
that is admitted too early never gets any, however often its containers start anew (aws/eks-pod-identity-agent#52:
5 to 10 s). There is no call that tells whether it is known yet, so it is waited for, once, when it is made or changed.
"""

import asyncio

import pulumi

KNOWN_S = 15.0
"""Half as long again as the longest time that was reported."""


def known_later() -> pulumi.ResourceHookBinding:
    """The hooks of a resource that AWS makes known later: what depends on it begins when everybody knows."""
    return pulumi.ResourceHookBinding(after_create=[_wait], after_update=[_wait])


async def _wait(_: pulumi.ResourceHookArgs) -> None:
    await asyncio.sleep(KNOWN_S)

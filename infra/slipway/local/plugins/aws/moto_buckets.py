"""Let moto judge requests for objects by the whole policy of their bucket: of itself it reads no conditions.

A request over this machine's loopback counts as one over TLS, which no certificate here could serve.
"""

import json
from typing import Any

from slipway.local.plugins.aws.iam.evaluate import Request, decide

_CONTEXT = {"aws:SecureTransport": ("true",)}


def judge_whole_policies() -> None:
    """Replace how moto reads a bucket's policy."""
    from moto.iam.access_control import PermissionResult  # noqa: PLC0415 - moto reads its variables when it is imported
    from moto.s3.models import FakeBucket  # noqa: PLC0415

    def judged(bucket: Any, action: str, resource: str) -> PermissionResult:
        if bucket.policy is None:
            return PermissionResult.NEUTRAL
        decision = decide([_for_everyone(json.loads(bucket.policy))], Request(action, resource, _CONTEXT))
        if decision.sid is None:
            return PermissionResult.NEUTRAL
        return PermissionResult.PERMITTED if decision.allowed else PermissionResult.DENIED

    patched: Any = FakeBucket
    patched.get_permission = judged


def _for_everyone(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy as one of a role. Raises ValueError for a statement about some principals: moto says not who asks."""
    for statement in policy["Statement"]:
        if statement.pop("Principal") not in ("*", {"AWS": "*"}):
            raise ValueError(f"statement {statement.get('Sid')} of a bucket's policy is about some principals only")
    return policy

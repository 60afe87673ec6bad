"""Decide about one action on one resource, by the policies of the role that asks.

Source: IAM User Guide, "Policy evaluation logic": a Deny that applies refuses, else an Allow that applies allows, else
it is refused; "IAM JSON policy elements: Action, NotAction, Resource, NotResource".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.local.plugins.aws.iam.conditions import Context, PolicyError, arn_like, holds, like, resolved

_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


@dataclass(frozen=True)
class Request:
    """What is asked for. `resource` is an ARN, or `*` where AWS knows no resource for the action."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """Whether it is allowed, and the statement that said so; none for what nothing allows."""

    allowed: bool
    sid: str | None = None


def decide(policies: Sequence[Mapping[str, Any]], request: Request) -> Decision:
    """Hold a request against all policies of a role. Raises PolicyError."""
    found = [one for policy in policies for one in statements(policy) if applies(one, request)]
    for effect, allowed in (("Deny", False), ("Allow", True)):
        for statement in found:
            if statement["Effect"] == effect:
                return Decision(allowed, str(statement.get("Sid", "")))
    return Decision(allowed=False)


def statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The statements of a policy of a role. Raises PolicyError for what such a policy cannot have."""
    given = policy["Statement"]
    found: list[Mapping[str, Any]] = [given] if isinstance(given, Mapping) else list(given)
    for statement in found:
        unknown = set(statement) - _ELEMENTS
        halves = [sum(one in statement for one in (name, f"Not{name}")) for name in ("Action", "Resource")]
        if unknown or halves != [1, 1] or statement.get("Effect") not in ("Allow", "Deny"):
            raise PolicyError(f"statement {statement.get('Sid', statement)} is none of a role's policy")
    return found


def applies(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether a statement is about this action on this resource, under this request's conditions."""
    return (
        _one_of(statement, "Action", lambda pattern: like(request.action.lower(), pattern.lower()))
        and _one_of(statement, "Resource", lambda pattern: _is(request, pattern))
        and holds(statement.get("Condition", {}), request.context)
    )


def _is(request: Request, pattern: str) -> bool:
    """Whether a pattern of Resource covers what is asked for: `*` does always, and alone where there is no resource."""
    filled = resolved(pattern, request.context)
    return filled == "*" or arn_like(request.resource, filled)


def _one_of(statement: Mapping[str, Any], element: str, covers: Any) -> bool:
    negated = f"Not{element}" in statement
    given = statement[f"Not{element}" if negated else element]
    return any(map(covers, [given] if isinstance(given, str) else given)) != negated

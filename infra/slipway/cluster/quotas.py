"""Say which quota refused a pod, whose it is and what to do, from what the API server says of it."""

import re

from slipway.values.names import team_quota

QUOTA = "quota"
"""The kind of trouble: pods that stop, and other models' updates, make room in a quota."""
_EXCEEDED = re.compile(
    r"exceeded quota: (?P<name>[a-z0-9.-]+), requested: (?P<requested>\S+), "
    r"used: (?P<used>\S+), limited: (?P<limited>\S+)"
)
"""As the API server's admission of ResourceQuotas words it; each part lists `resource=amount,...`."""


def refusal(message: str, owner: str) -> str | None:
    """What to say of a pod that a quota refused, None when something else did. `owner`: of the pod's model."""
    found = _EXCEEDED.search(message)
    if found is None:
        return None
    requested, used, limited = (_amounts(found[part]) for part in ("requested", "used", "limited"))
    short = ", ".join(
        f"{resource.removeprefix('requests.')}: {used.get(resource, '?')} of {most} used, and a pod needs "
        f"{requested.get(resource, '?')}"
        for resource, most in limited.items()
    )
    if found["name"] == team_quota(owner):
        return (
            f"the quota of team {owner} (ResourceQuota {found['name']}) refuses its pods: {short}; next: raise "
            f"teams.{owner}.quota in the settings, or lower scale.min, scale.max or resources of the team's models"
        )
    return (
        f"ResourceQuota {found['name']} of the namespace, which is not a team's of Slipway, refuses its pods: {short}; "
        "next: ask whoever made it for more"
    )


def _amounts(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)

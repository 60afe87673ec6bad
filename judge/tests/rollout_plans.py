"""Plans and evidence to judge."""

import json
from typing import Any

from slipway_judge.values.evidence import Agreement, Calls, Evidence
from slipway_judge.values.plan import Plan, read_plan

ID = "3f2a9c01b4de"


def plan_document(**changes: Any) -> dict[str, Any]:
    """A plan as `slipway up` writes it; `judge` and `route` are changed key by key."""
    document: dict[str, Any] = {
        "id": ID,
        "model": "digits",
        "namespace": "models",
        "environment": "local",
        "old": {"version": "1.0.0", "release": "a" * 64, "service": "digits"},
        "new": {"version": "1.1.0", "release": "b" * 64, "service": "digits-candidate"},
        "port": 80,
        "steps": [0.0, 0.05, 0.25, 1.0],
        "hold_s": 120.0,
        "deadline_s": 1800.0,
        "shadow": 0.1,
        "sticky": None,
        "header": None,
        "judge": {
            "errors": 0.01,
            "p95_ms": None,
            "agreement": 0.99,
            "tolerance": 0.001,
            "outputs": None,
            "least_requests": 500,
        },
        "runtime": "onnxruntime",
        "timeout_s": 5.0,
        "prometheus": "http://prometheus:9090",
        "started": "2026-01-31T12:00:00Z",
        "route": {"weight": 1000, "weighted": 0, "following": []},
        "clusters": {
            "old": ["httproute/models/digits/rule/0/backend/0"],
            "new": ["httproute/models/digits/rule/0/backend/1"],
        },
    }
    for name, value in changes.items():
        document[name] = {**document[name], **value} if name in ("judge", "route") else value
    return document


def a_plan(**changes: Any) -> Plan:
    """The same, read."""
    return read_plan(json.dumps(plan_document(**changes)))


def calls(n: int = 1000, errors: int = 0, slow: int = 0, old_errors: int = 0) -> Calls:
    """So many calls to each release, the new one's with so many errors and so many slow answers."""
    return Calls(
        old=n,
        new=n,
        old_errors=old_errors,
        new_errors=errors,
        old_p95_ms=20.0,
        new_p95_ms=20.0,
        slow_limit_ms=25.0,
        surely_slow_limit_ms=30.0,
        timed=n - errors,
        slow=slow,
        surely_slow=slow,
    )


def good(since: float, n: int = 1000) -> Evidence:
    """Evidence of so many calls, and nothing wrong with any of them."""
    return Evidence(since=since, replayed=calls(n), live=calls(n), agreement=Agreement(pairs=n))

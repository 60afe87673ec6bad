"""Overviews as `slipway.commands.inspecting.overview` gathers them, for tests of the page that shows them."""

from typing import Any

HOSTILE = "</style></script><script>injected=true</script><img src=x onerror=injected=true>\"'"


def row(model: str = "digits", state: str = "serves", **rest: Any) -> dict[str, Any]:
    found = {
        "model": model,
        "state": state,
        "version": "1.0.0",
        "ready": 2,
        "wanted": 2,
        "asleep": False,
        "scaling": {"by": "HorizontalPodAutoscaler", "min": 2, "max": 8},
        "alerts": [],
        "url": f"https://models.example/{model}",
        "rollout": None,
        "rolloutLine": None,
        "usd": {"month": {"min": 10.0, "max": 1240.5}},
        "slo": {"window": "30d", "promised": {"availability": "99.9 %", "latency": "p95 100 ms"}},
        "budgetLeft": {"availability": 0.25, "latency": None},
        "lastVerdict": {"action": "deploy", "outcome": "passed", "time": "2026-11-27T16:00:01.123456+00:00"},
    }
    return found | rest


def change(**rest: Any) -> dict[str, Any]:
    found = {
        "time": "2026-11-27T16:00:01+00:00",
        "action": "deploy",
        "subject": "digits",
        "outcome": "passed",
        "reason": "",
        "details": ["version 1.0.0"],
        "who": {"user": "mia", "host": "laptop", "run": None},
        "commit": {"sha": "a" * 40, "dirty": True},
    }
    return found | rest


def overview(name: str = "prod", *rows: dict[str, Any], **rest: Any) -> dict[str, Any]:
    found = {
        "environment": name,
        "taken": "2026-11-27T16:05:00+00:00",
        "problem": None,
        "unreached": None,
        "models": list(rows) or [row()],
        "alerts": [],
        "notes": [],
        "usd": {"total": {"month": {"min": 10.0, "max": 1240.5}}, "budget": {"month": 1000, "share": {"max": 1.241}}},
        "changes": [change()],
        "changesUnread": None,
    }
    return found | rest


def hostile() -> dict[str, Any]:
    """Everything that others wrote tries to be an element, a script or an address that runs."""
    alert = {"name": HOSTILE, "severity": HOSTILE, "since": HOSTILE, "summary": HOSTILE}
    bad = row(HOSTILE, f"serves; {HOSTILE}", version=HOSTILE, url="javascript:injected=true", alerts=[alert])
    bad |= {
        "rollout": {"percent": 25.0},
        "rolloutLine": HOSTILE,
        "slo": {"window": "30d", "promised": {HOSTILE: HOSTILE}},
    }
    changed = change(subject=HOSTILE, reason=HOSTILE, details=[HOSTILE], who={"user": HOSTILE, "host": "", "run": None})
    return overview("prod", bad, alerts=[alert], notes=[HOSTILE], changes=[changed], changesUnread=None)

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


def rollout(version: str = "1.1.0", phase: str = "stopped", **rest: Any) -> dict[str, Any]:
    """A rollout of a fleet, of which the canary was good and one of the next ring failed."""
    found = {
        "model": "digits",
        "release": "0123456789abcdef",
        "version": version,
        "phase": phase,
        "reason": "1 of 3 devices failed in ring fleet",
        "began": "2026-11-27T16:00:00+00:00",
        "until": "2026-11-27T17:00:00+00:00",
        "rings": [
            {"name": "canary", "devices": 1, "opened": "2026-11-27T16:00:00+00:00"},
            {"name": "fleet", "devices": 2, "opened": "2026-11-27T16:30:00+00:00"},
        ],
        "answers": [
            {"device": "box-1", "ring": "canary", "state": "good", "at": "2026-11-27T16:06:00+00:00", "reason": ""},
            {"device": "box-2", "ring": "fleet", "state": "good", "at": "2026-11-27T16:40:00+00:00", "reason": ""},
            {"device": "box-3", "ring": "fleet", "state": "failed", "at": "2026-11-27T16:55:00+00:00", "reason": "no"},
        ],
        "moments": [{"kind": "approved", "about": "fleet", "at": "2026-11-27T16:29:00+00:00", "text": ""}],
    }
    return found | rest


def fleet(*rollouts: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """The overview of a fleet."""
    about = {"model": "digits", "release": "0123456789abcdef", "site": "berlin", "hardware": "x86-box", "reason": ""}
    devices = [
        {"device": "box-3", "state": "failed", "seen": "2.0 s ago"} | about,
        {"device": "box-1", "state": "good", "seen": "1.0 s ago"} | about,
    ]
    found: dict[str, Any] = {
        "environment": "edge-eu",
        "taken": "2026-11-27T17:05:00+00:00",
        "problem": None,
        "notes": [],
    }
    found |= {"changes": [change()], "changesUnread": None}
    return found | {"fleet": {"unreached": None, "devices": devices, "rollouts": list(rollouts) or [rollout()]} | rest}

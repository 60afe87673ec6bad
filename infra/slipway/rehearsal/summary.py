"""Sum a rehearsal up: which resources, in which order, how long, and what of it was real."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway import console
from slipway.local.plugins.aws.backend import JOURNAL
from slipway.local.plugins.aws.journal import entries
from slipway.rehearsal.kubernetes_provider import RELEASE
from slipway.rehearsal.stage import Stage

_REAL = (
    ("Pulumi engine, programs, state, encryption by a KMS key", "real (the key is moto's)"),
    ("network, roles, keys, buckets, repositories, logs, cluster record", "moto, by boto3; botocore checked each call"),
    ("access entries, add-ons, pod identities, version updates", "checked by botocore, kept by the stand-in"),
    ("namespaces, policies, Deployments, scheduling on labels, taints and GPUs", "a real API server and scheduler"),
    ("nodes, and pods that become ready", "kwok: no container runs, no golden request is answered"),
    ("charts", "checked against pulumi-kubernetes, not installed"),
    ("objects of a gateway", "held against their real definitions and each other; no Envoy, no load balancer, no name"),
    ("images", "build contexts made, manifests put into moto's ECR, nothing built or pulled"),
    ("the deploying role's permissions", "its policies, evaluated for each call of the stand-in, not by AWS"),
    ("autoscaling, GPUs, drivers, load balancers, bills, quotas", "not rehearsed: only an account shows"),
)


@dataclass
class _Row:
    """Resources of one type."""

    token: str
    first: datetime
    count: int = 0
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: float = 0.0


def resources(stage: Stage, states: Sequence[Mapping[str, Any]]) -> None:
    """Print the types of all resources in stacks' states, in the order in which the first of each was made."""
    rows = _rows(states)
    if not rows:
        return
    _count_calls(stage, rows)
    begun = min(row.first for row in rows.values())
    ordered = sorted(rows.values(), key=lambda row: row.first)
    console.table(
        ("resources", "number", "first made after", "calls", "in calls", "by"),
        [
            (
                row.token,
                str(row.count),
                console.duration((row.first - begun).total_seconds()),
                str(sum(row.calls.values()) or ""),
                console.duration(row.seconds) if row.calls else "",
                _by(row),
            )
            for row in ordered
        ],
        "What was made, in order",
    )
    total = sum(row.count for row in ordered)
    calls = sum(sum(row.calls.values()) for row in ordered)
    console.result(f"{total} resources of {len(ordered)} types, {calls} calls to AWS's API")


def _rows(states: Sequence[Mapping[str, Any]]) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    for state in states:
        for resource in state["deployment"].get("resources") or []:
            if not resource.get("custom") or resource["type"].startswith("pulumi:"):
                continue
            made = datetime.fromisoformat(resource["created"])
            row = rows.setdefault(resource["type"], _Row(resource["type"], made))
            row.first = min(row.first, made)
            row.count += 1
    return rows


def _count_calls(stage: Stage, rows: Mapping[str, _Row]) -> None:
    for entry in entries(stage.aws / JOURNAL):
        token = entry.urn.split("::")[2].rpartition("$")[2] if "::" in entry.urn else ""
        if token in rows:
            rows[token].calls[entry.by] += 1
            rows[token].seconds += entry.seconds


def _by(row: _Row) -> str:
    if row.token == RELEASE:
        return "kept, not installed"
    if not row.token.startswith("aws:"):
        return "API server"
    return " and ".join({"moto": "moto", "kept": "the stand-in"}[by] for by in sorted(row.calls, reverse=True))


def reality() -> None:
    """Print what was real and what was not."""
    console.table(("what", "by whom"), _REAL, "What was real")


def times(taken: Mapping[str, float]) -> None:
    """Print how long each act took."""
    rows = [(name, console.duration(seconds)) for name, seconds in taken.items()]
    console.table(("act", "time"), [*rows, ("all", console.duration(sum(taken.values())))], "Time")

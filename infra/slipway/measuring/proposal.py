"""Propose what a spec should say, from what was found; each proposal with its reason."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.measuring.findings import Step
from slipway.plan.model import ModelPlan
from slipway.reading.yaml_document import FieldPath
from slipway.runtimes.registry import RUNTIMES
from slipway.values.quantities import format_bytes, format_cpu

HEADROOM = 1.25
"""Memory for what was not seen: other requests, a heap with holes."""
NEAR = 0.9
"""Steps that manage so much of the best for each core are as good; among them the quickest answers decide."""
TARGET = 0.8
"""An autoscaler adds a replica at this part of what a replica manages at its knee: the new one needs time to start."""
_MI = 2**20
_QUANTUM = 32 * _MI


@dataclass(frozen=True, slots=True)
class Proposal:
    """One field of the spec: its path, what it says now (None: nothing), what it should, and why."""

    path: FieldPath
    now: str | None
    value: str
    why: str

    @property
    def changes(self) -> bool:
        """Whether it is anything else than what the spec says."""
        return self.now != self.value


def chosen(steps: Sequence[Step]) -> Step | None:
    """The step to propose: of those that manage the most for each core the one whose answers come soonest."""
    good = [(step, step.per_core, step.at_knee) for step in steps]
    known = [(step, per_core, point.p95_ms) for step, per_core, point in good if per_core and point and point.p95_ms]
    if not known:
        return None
    best = max(per_core for _, per_core, _ in known)
    near = [(p95_ms, step.cpu, step.memory, step) for step, per_core, p95_ms in known if per_core >= NEAR * best]
    return min(near, key=lambda one: one[:3])[-1]


def propose(model: ModelPlan, step: Step) -> list[Proposal]:
    """What the spec should say, by the step that was chosen; fields that measuring says nothing about are left out."""
    found = [_cpu(model, step), _memory(model, step)]
    return [one for one in (*found, _target(model, step), _rows(model, step)) if one is not None]


def _cpu(model: ModelPlan, step: Step) -> Proposal:
    point = step.at_knee
    p95 = f", 95 of 100 answered within {point.p95_ms:.1f} ms" if point and point.p95_ms else ""
    why = f"{step.per_core or 0:.0f} requests a second for each core at the knee{p95}"
    return Proposal(("resources", "cpu"), format_cpu(model.spec.resources.cpu), format_cpu(step.cpu), why)


def _memory(model: ModelPlan, step: Step) -> Proposal | None:
    if step.peak_bytes is None:
        return None
    needed = RUNTIMES[model.spec.runtime].needed_memory(model.delivery.size, model.max_body)
    least = max(needed, math.ceil(step.peak_bytes * HEADROOM))
    value = max(2, math.ceil(least / _QUANTUM)) * _QUANTUM
    held, body = f"{step.peak_bytes / _MI:.0f}Mi", format_bytes(model.max_body)
    why = f"it held {held} at most; bodies of {body} need {needed / _MI:.0f}Mi"
    return Proposal(("resources", "memory"), format_bytes(model.spec.resources.memory), format_bytes(value), why)


def _target(model: ModelPlan, step: Step) -> Proposal | None:
    target, point = model.spec.scale.target, step.at_knee
    if target is None or point is None or step.knee is None or point.mean_ms is None:
        return None
    if target.signal == "cpu_percent":
        # No autoscaler sees more than the limit, and one that waits for all of it waits for ever.
        percent = 100 * TARGET * point.cores / (step.cpu / 1000)
        value, why = str(max(10, min(90, int(percent // 5) * 5))), f"{point.cores:.2f} cores are used at the knee"
    elif target.signal == "requests_per_second":
        value, why = f"{TARGET * step.knee:.3g}", f"the knee is at {step.knee:.0f} requests a second"
    elif target.signal == "concurrency":
        under_way = step.knee * point.mean_ms / 1000
        value, why = (
            f"{max(0.1, TARGET * under_way):.2g}",
            f"{under_way:.1f} requests are under way at the knee (Little's law)",
        )
    else:
        return None  # what users feel is for people to say
    said = model.spec.scale.target
    now = "" if said is None else f"{said.value:g}"
    return Proposal(
        ("scale", "target", target.signal),
        now,
        value,
        f"{why}; {TARGET:.0%} of that, for a replica needs time to start",
    )


def _rows(model: ModelPlan, step: Step) -> Proposal | None:
    if not step.rows:
        return None
    best = max(step.rows.values())
    rows, manages = next((rows, rate) for rows, rate in sorted(step.rows.items()) if rate >= 0.95 * best)
    now = model.spec.batching.max_rows
    if now in step.rows and step.rows[now] >= 0.95 * best:
        rows, manages = now, step.rows[now]
    why = f"{manages:.0f} requests a second at most, {best:.0f} with any number of {', '.join(map(str, step.rows))}"
    return Proposal(("batching", "max_rows"), str(now), str(rows), why)

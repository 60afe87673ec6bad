"""Rank locations for a model: what is feasible first, then what answers fastest for a dollar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.advice.cost import MonthlyCost, monthly_cost
from slipway.advice.figures import Figure, derived, figure_json
from slipway.advice.locations import Location
from slipway.advice.needs import Asked, Needs, needs_of
from slipway.advice.processing import Processing, processing
from slipway.advice.questions import Answer, before_numbers, fits, with_numbers
from slipway.measuring.findings import Finding


@dataclass(frozen=True, slots=True)
class Advice:
    """What is to be said of one location.

    Attributes:
        location: the location.
        needs: what the model is needed for there.
        answers: to all questions that could be asked of it.
        processing: what a replica does with requests; None where nobody knows.
        replicas: that are needed; None where a node does not hold one.
        latency_ms: data / bandwidth + processing; None where nobody knows.
        cost: None where a node does not hold a replica.
    """

    location: Location
    needs: Needs
    answers: tuple[Answer, ...]
    processing: Processing | None = None
    replicas: Figure | None = None
    latency_ms: Figure | None = None
    cost: MonthlyCost | None = None

    @property
    def refused(self) -> Answer | None:
        """The first question that is answered with no."""
        return next((answer for answer in self.answers if answer.verdict == "no"), None)

    @property
    def unproven(self) -> tuple[Answer, ...]:
        """Questions that nobody can answer."""
        return tuple(answer for answer in self.answers if answer.verdict == "unknown")

    @property
    def effectiveness(self) -> Figure | None:
        """Performance / cost: requests that one client gets answered in a second, for each dollar a month."""
        usd = self.cost.usd if self.cost is not None else None
        if self.latency_ms is None or usd is None or not usd.value:
            return None
        return derived(1000 / self.latency_ms.value / usd.value, [self.latency_ms, usd], "1 / latency / cost")

    @property
    def needless_gpus(self) -> bool:
        """Whether its nodes have GPUs that the model does not need."""
        return self.location.pool.gpu is not None and self.location.spec.resources.gpu is None

    @property
    def avoided_spot(self) -> bool:
        """Whether its nodes may be taken back, which the model avoids."""
        return self.location.pool.spot and self.location.spec.spot == "avoided"

    @property
    def reluctance(self) -> str:
        """Why `slipway plan` would take another pool as long as there is one; empty where it would not."""
        if self.needless_gpus:
            return "with GPUs, which the model does not need,"
        return "with spot nodes, which the model avoids," if self.avoided_spot else ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        pool = self.location.pool
        refused = self.refused
        return {
            "environment": self.location.environment,
            "pool": pool.name,
            "region": pool.region,
            "node": pool.instance_types[0] if pool.instance_types else None,
            "accelerator": self.location.accelerator,
            "feasible": False if refused is not None else None if self.unproven else True,
            "answers": [answer.to_json() for answer in self.answers],
            "needs": self.needs.to_json(),
            "transferMs": float(f"{self.needs.transfer_ms:.6g}"),
            "processingMs": figure_json(self.processing.ms if self.processing else None),
            "requestsPerSecondOfAReplica": figure_json(self.processing.rps if self.processing else None),
            "latencyMs": figure_json(self.latency_ms),
            "replicas": figure_json(self.replicas),
            "usd": None if self.cost is None else self.cost.to_json(),
            "effectiveness": figure_json(self.effectiveness),
            "reluctance": self.reluctance or None,
            "equivalents": [{"cloud": one.cloud, "name": one.name} for one in self.location.equivalents],
        }


def advise(location: Location, findings: Sequence[Finding], asked: Asked) -> Advice:
    """What is to be said of one location; `findings`: of `slipway measure` about the model."""
    needs = needs_of(location.variant, asked)
    answers = before_numbers(location, needs)
    if not fits(answers):
        return Advice(location, needs, answers)
    took = processing(location, findings, asked.processing_ms)
    least = location.spec.scale.min
    if took is None:
        source = "scale.min, since nobody knows how many requests one answers"
        replicas, latency = Figure(least, "assumed", source), None
    else:
        count = took.replicas(needs.rps.value, least)
        replicas = derived(count, [needs.rps, took.rps], "requests a second / those of one, at least scale.min")
        latency = derived(needs.transfer_ms + took.ms.value, [*needs.inputs, took.ms], "data / bandwidth + processing")
    cost = monthly_cost(location, needs, replicas, asked)
    answers = (*answers, *with_numbers(location, needs, replicas, latency, cost))
    return Advice(location, needs, answers, took, replicas, latency, cost)


def ranked(advice: Sequence[Advice]) -> list[Advice]:
    """The feasible ones, the best first, then those of which something is not known, then the refused."""
    return sorted(advice, key=_order)


def _order(one: Advice) -> tuple[bool, bool, bool, bool, bool, float, bool, float, str]:
    effect = one.effectiveness
    usd = one.cost.usd if one.cost is not None else None
    return (
        one.refused is not None,
        bool(one.unproven),
        one.needless_gpus,
        one.avoided_spot,
        effect is None,
        0 if effect is None else -effect.value,
        usd is None,
        0 if usd is None else usd.value,
        one.location.name,
    )

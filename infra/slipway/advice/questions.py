"""Ask what has to hold before a location is worth ranking, in an order; every no has its reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from slipway.advice.cost import MonthlyCost, unpriced
from slipway.advice.figures import Figure
from slipway.advice.locations import Location
from slipway.advice.needs import Needs
from slipway.capacity.binding import Shortfall, lacks
from slipway.capacity.gpus import tensor_bytes
from slipway.values.quantities import format_bytes

Verdict = Literal["yes", "no", "unknown"]

RESOURCES = "a node holds a replica"
GPU = "its GPUs suffice"
RESIDENCY = "data stays where it has to"
PRIVACY = "it is as private as asked"
REPLICAS = "enough replicas find capacity"
LATENCY = "answers are in time"
BUDGET = "it is within the budget"
QUESTIONS = (RESOURCES, GPU, RESIDENCY, PRIVACY, REPLICAS, LATENCY, BUDGET)
"""In the order in which they are asked."""
_FITS = (RESOURCES, GPU)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a location answers to a question; `why` is empty for a plain yes."""

    question: str
    verdict: Verdict
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"question": self.question, "verdict": self.verdict, "why": self.why}


def fits(answers: tuple[Answer, ...]) -> bool:
    """Whether a node holds a replica, so that it can be said what one would do and cost there."""
    return all(answer.verdict != "no" for answer in answers if answer.question in _FITS)


def before_numbers(location: Location, needs: Needs) -> tuple[Answer, ...]:
    """What is answered by the spec and the settings alone."""
    found = [(_question(lack), lack.has) for lack in lacks(location.pool, location.spec)]
    most, size = tensor_bytes(location.pool, location.spec), location.variant.artifact.size
    if most is not None and size > most:
        found.append((GPU, f"the weights take {size:,} bytes, and tensors may take {format_bytes(most)}"))
    region = location.pool.region
    if needs.residency and region not in needs.residency and not any(question == RESIDENCY for question, _ in found):
        found.append((RESIDENCY, f"in {region}" if region else "in no region that is known"))
    asked = (RESOURCES, GPU, RESIDENCY)
    return (*(_joined(question, found) for question in asked), _privacy(location, needs))


def with_numbers(
    location: Location, needs: Needs, replicas: Figure, latency_ms: Figure | None, cost: MonthlyCost
) -> tuple[Answer, ...]:
    """What is answered by what a replica does and costs there."""
    return (_replicas(location, int(replicas.value)), _latency(needs, latency_ms), _budget(location, needs, cost))


def _question(lack: Shortfall) -> str:
    if lack.field[:2] == ("resources", "gpu"):
        return GPU
    return RESIDENCY if lack.field[0] == "data" else RESOURCES


def _joined(question: str, found: list[tuple[str, str]]) -> Answer:
    why = ", ".join(dict.fromkeys(text for about, text in found if about == question))
    return Answer(question, "no" if why else "yes", why)


def _privacy(location: Location, needs: Needs) -> Answer:
    if not needs.private or not location.spec.endpoint.public or location.open_to_internet is False:
        return Answer(PRIVACY, "yes")
    if location.open_to_internet is None:
        return Answer(PRIVACY, "unknown", "from where its gateway is reached, its settings do not say")
    return Answer(PRIVACY, "no", "its gateway is open to the internet, and endpoint.public of the model is true")


def _replicas(location: Location, wanted: int) -> Answer:
    most = location.spec.scale.max
    if wanted > most:
        return Answer(REPLICAS, "no", f"{wanted} replicas are needed, and scale.max is {most}")
    there = location.capacity_beside(wanted)
    if there < wanted:
        beside = f" beside {', '.join(sorted(load.model for load in location.beside))}" if location.beside else ""
        return Answer(
            REPLICAS, "no", f"{wanted} replicas are needed, and {location.pool.name} has capacity for {there}{beside}"
        )
    return Answer(REPLICAS, "yes")


def _latency(needs: Needs, latency_ms: Figure | None) -> Answer:
    limit = needs.latency_ms
    if limit is None:
        return Answer(LATENCY, "yes")
    if needs.transfer_ms > limit.value:
        return Answer(
            LATENCY, "no", f"{needs.transfer_ms:,.1f} ms on the way alone, and {limit.value:g} ms are allowed"
        )
    if latency_ms is None:
        return Answer(LATENCY, "unknown", "how long a request takes there is not known")
    if latency_ms.value > limit.value:
        way = f"{needs.transfer_ms:,.1f} ms of them on the way"
        return Answer(LATENCY, "no", f"{latency_ms.value:,.1f} ms, {way}, and {limit.value:g} ms are allowed")
    return Answer(LATENCY, "yes")


def _budget(location: Location, needs: Needs, cost: MonthlyCost) -> Answer:
    for what, allowed in _budgets(location, needs):
        if cost.known_usd > allowed:
            return Answer(BUDGET, "no", f"${cost.known_usd:,.2f} a month, and {what} is ${allowed:,.2f}")
    if needs.budget_usd is not None and cost.unknown:
        return Answer(BUDGET, "unknown", "; ".join(unpriced(cost)))
    return Answer(BUDGET, "yes")


def _budgets(location: Location, needs: Needs) -> Iterator[tuple[str, float]]:
    if needs.budget_usd is not None:
        yield "the budget", needs.budget_usd.value
    if location.budget_usd is not None:
        yield f"budget.monthly_usd of {location.environment}, for all of its models,", location.budget_usd

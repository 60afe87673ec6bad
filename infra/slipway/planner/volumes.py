"""Price what an environment sends and writes down in a month: by the gigabyte, and never taken for nothing.

Each amount says where it is from: measured by the environment itself, given by a person, or assumed. What is neither is
unknown, and is said to be; it is in no sum.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from slipway.catalog.aws import HOURS_PER_MONTH
from slipway.catalog.aws_traffic import VolumePrices, internet_usd
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.protocol import VolumeTerms
from slipway.plan.model import ModelPlan, Plan
from slipway.values.listing import some

Basis = Literal["measured", "given", "assumed"]
_GIB = 2**30
_NAMED = 3
MONTH_S = HOURS_PER_MONTH * 3600


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes a month of one model: of requests to it, and of its answers."""

    requests: Fraction
    answers: Fraction

    @property
    def both(self) -> Fraction:
        """In both directions."""
        return self.requests + self.answers


@dataclass(frozen=True, slots=True)
class Measured:
    """What an environment measured of itself, as bytes a month; what it did not measure is None or missing.

    Attributes:
        sent: by model, through the gateway.
        nat: through all NAT gateways, in both directions.
        control_plane_logs: written by the control plane.
        flow_logs: written by the network.
        unmeasured: why something was not measured, one sentence each.
    """

    sent: Mapping[str, Sent] = field(default_factory=dict)
    nat: Fraction | None = None
    control_plane_logs: Fraction | None = None
    flow_logs: Fraction | None = None
    unmeasured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """Something that is charged by the gigabyte.

    Attributes:
        name: for people.
        gib: GiB a month; None where nobody knows.
        basis: where `gib` is from; None with it.
        usd: dollars a month; None where `gib` or its price is unknown.
        note: what the number stands on, or what would make it known.
    """

    name: str
    gib: Decimal | None
    basis: Basis | None
    usd: Decimal | None
    note: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values, rounded to what is shown."""
        gib, usd = (None if value is None else float(round(value, 2)) for value in (self.gib, self.usd))
        return {"name": self.name, "gib": gib, "basis": self.basis, "month": usd, "note": self.note}


def volumes(plan: Plan, measured: Measured | None = None) -> tuple[Volume, ...]:
    """What an environment sends and writes in a month; nothing where nobody is charged for it."""
    terms = planning(plan.settings).volume_terms
    if terms is None:
        return ()
    found = measured or Measured()
    nat, logs = (terms.prices.nat, terms.prices.logs) if terms.prices is not None else (None, None)
    sent = dict(_sent(plan.models, found))
    return (
        *_traffic(terms, plan.models, sent),
        *([_of("through NAT gateways", nat, (found.nat, None), _NAT)] if terms.nat else []),
        _of(
            "logs of the control plane",
            logs,
            (found.control_plane_logs, terms.control_plane_logs),
            "`logging.expected` of the settings says how much, or --measured",
        ),
        _of("flow logs", logs, (found.flow_logs, None), "--measured says how much"),
    )


_NAT = "images of others, and what models fetch by `egress`; --measured says how much"


def known_usd(of: tuple[Volume, ...]) -> Decimal:
    """Dollars a month of all whose price is known."""
    return sum((one.usd for one in of if one.usd is not None), Decimal(0))


def _sent(models: tuple[ModelPlan, ...], measured: Measured) -> Iterator[tuple[str, tuple[Sent, Basis]]]:
    """What is sent to and from each model, where somebody knows it."""
    for model in models:
        expected = model.spec.endpoint.expected
        if model.name in measured.sent:
            yield model.name, (measured.sent[model.name], "measured")
        elif expected is not None:
            calls = Fraction(expected.requests.count, expected.requests.per_s) * MONTH_S
            yield model.name, (Sent(calls * expected.request_size, calls * expected.answer_size), "given")


def _traffic(
    terms: VolumeTerms, models: tuple[ModelPlan, ...], sent: Mapping[str, tuple[Sent, Basis]]
) -> Iterator[Volume]:
    """Answers that leave AWS, and what crosses zones, see `crossings`."""
    public = [model.name for model in models if model.traffic is not None]
    inside = [model.name for model in models if model.traffic is None]
    if terms.internet and public:
        answers = [sent[name][0].answers for name in public if name in sent]
        silent = [name for name in public if name not in sent]
        yield _summed("to the internet", terms.prices, answers, _worst(sent, public), silent)
    hops = [sent[name][0].both * crossings(terms.zones, public=names is public) for names in (public, inside)
            for name in names if name in sent]  # fmt: skip
    silent = [name for name in (*public, *inside) if name not in sent]
    yield _summed("between zones", terms.prices, hops, "assumed" if hops else None, silent)


def crossings(zones: int, *, public: bool) -> Fraction:
    """How often a byte is expected to go from one zone to another.

    Of what goes between two places that are spread evenly over n zones, (n - 1) / n crosses: from the load balancer to
    Envoy and from Envoy to a public model, or from a pod of the cluster to a model.
    """
    return Fraction(zones - 1, zones) * (2 if public else 1)


def _worst(sent: Mapping[str, tuple[Sent, Basis]], names: list[str]) -> Basis | None:
    """The weaker of what the models' numbers stand on."""
    found = {sent[name][1] for name in names if name in sent}
    return "given" if "given" in found else "measured" if found else None


def _summed(
    name: str, prices: VolumePrices | None, parts: list[Fraction], basis: Basis | None, silent: list[str]
) -> Volume:
    unknown = f"not known of {some(silent, _NAMED)}: `endpoint.expected` of a spec says it" if silent else ""
    if basis is None:
        return Volume(name, None, None, None, unknown or "no model sends anything")
    gib = _decimal(sum(parts, Fraction(0)) / _GIB)
    if prices is None:
        return Volume(name, gib, basis, None, "no price of the region is known")
    usd = internet_usd(prices, gib) if name == "to the internet" else gib * prices.zone
    spread = "spread evenly over zones" if basis == "assumed" else ""
    return Volume(name, gib, basis, usd, "; ".join(filter(None, (spread, unknown))))


def _of(name: str, price: Decimal | None, known: tuple[Fraction | None, int | None], unknown: str) -> Volume:
    """What is `known`: measured, else given, in bytes a month."""
    measured, given = known
    amount = measured if measured is not None else given
    if amount is None:
        return Volume(name, None, None, None, unknown)
    gib = _decimal(Fraction(amount) / _GIB)
    basis: Basis = "given" if measured is None else "measured"
    if price is None:
        return Volume(name, gib, basis, None, "no price of the region is known")
    return Volume(name, gib, basis, gib * price, "")


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)

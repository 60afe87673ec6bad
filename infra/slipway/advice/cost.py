"""Price a model in a location for a month: a x compute + b x storage + c x network, where a, b and c are unit prices.

compute: nodes, as parts of them, for a month; storage: GiB of their disks; network: GiB to the internet and between
zones. What nobody knows the price of is named, and is in no sum.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from slipway.advice.figures import Basis, Figure, derived, figure_json
from slipway.advice.locations import Location
from slipway.advice.needs import Asked, Needs
from slipway.capacity.binding import hourly
from slipway.capacity.packing import demand, part
from slipway.catalog.aws import HOURS_PER_MONTH, catalogue, shipped
from slipway.catalog.aws_traffic import internet_usd
from slipway.planner.volumes import MONTH_S, crossings

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Part:
    """One term of the sum.

    Attributes:
        name: `compute`, `storage` or `network`.
        amount: nodes or GiB.
        unit: of it.
        usd: dollars a month; None where nobody knows.
    """

    name: str
    amount: Figure
    unit: str
    usd: Figure | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"amount": figure_json(self.amount), "unit": self.unit, "month": figure_json(self.usd)}


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """What a model costs in a location."""

    parts: tuple[Part, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of what has no known price."""
        return tuple(part.name for part in self.parts if part.usd is None)

    @property
    def usd(self) -> Figure | None:
        """Dollars a month of all together; None where a part is unknown."""
        known = [part.usd for part in self.parts if part.usd is not None]
        if len(known) < len(self.parts):
            return None
        return derived(sum(one.value for one in known), known, "compute + storage + network")

    @property
    def known_usd(self) -> float:
        """Dollars a month of what is known: it costs so much at least."""
        return sum(part.usd.value for part in self.parts if part.usd is not None)

    def of(self, name: str) -> Figure | None:
        """Dollars a month of one part."""
        return next(part.usd for part in self.parts if part.name == name)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"month": figure_json(self.usd), **{part.name: part.to_json() for part in self.parts}}


def monthly_cost(location: Location, needs: Needs, replicas: Figure, asked: Asked) -> MonthlyCost:
    """What so many replicas of a model cost in a location, by day and night."""
    share = part(demand(location.spec.resources), location.pool)
    amount = derived(replicas.value * float(share), [replicas], f"{replicas.value:g} x {float(share):.4g} of a node")
    rate = _node_usd(location, asked)
    compute = (
        None if rate is None else derived(amount.value * rate.value * HOURS_PER_MONTH, [amount, rate], rate.source)
    )
    return MonthlyCost(
        (Part("compute", amount, "nodes", compute), _storage(location, amount, rate), _network(location, needs, rate))
    )


def _node_usd(location: Location, asked: Asked) -> Figure | None:
    """Dollars an hour of one node."""
    usd = hourly(location.pool)
    if usd is not None:
        return Figure(float(usd), *_source(location))
    if asked.node_usd is None:
        return None
    return Figure(asked.node_usd, "given", "--node-usd, all of a node and of its traffic in it")


def _source(location: Location) -> tuple[Basis, str]:
    """What a node's price stands on: spot prices are known of the account's own catalogue only."""
    kind, region = location.pool.instance_types[0], location.pool.region or ""
    spot = location.pool.spot_hourly_usd is not None
    for file in reversed(catalogue().files):
        facts = file.types.get(kind)
        if facts is None or region not in facts.hourly_usd:
            continue
        if spot and region not in facts.spot_hourly_usd:
            return "assumed", f"{kind} as spot, estimated from the list price of {file.date}"
        return "catalogue", f"{kind}{' as spot' if spot else ''}, AWS as of {file.date}"
    raise ValueError(f"no catalogue has the price of {kind} in {region}")


def _storage(location: Location, nodes: Figure, rate: Figure | None) -> Part:
    """The model's part of the disks of its nodes."""
    if location.disk_gib is None:
        return Part("storage", _nothing("no disk is charged for by itself"), "GiB", _included(rate))
    gib = derived(nodes.value * location.disk_gib, [nodes], f"{location.disk_gib} GiB a node")
    if location.disk_usd is None:
        return Part("storage", gib, "GiB", None)
    usd = Figure(float(location.disk_usd), "catalogue", f"gp3, AWS as of {shipped().date}")
    return Part("storage", gib, "GiB", derived(gib.value * usd.value, [gib, usd], usd.source))


def _network(location: Location, needs: Needs, rate: Figure | None) -> Part:
    """Answers that leave for the internet, and what crosses zones."""
    terms = location.terms
    if terms is None:
        return Part("network", _nothing("no traffic is charged for by itself"), "GiB", _included(rate))
    calls = Fraction(needs.rps.value) * MONTH_S
    out = calls * Fraction(needs.answer_bytes.value) / _GIB if location.public and terms.internet else Fraction(0)
    both = calls * Fraction(needs.request_bytes.value + needs.answer_bytes.value) / _GIB
    crossing = both * crossings(terms.zones, public=location.public)
    inputs = (needs.rps, needs.request_bytes, needs.answer_bytes)
    gib = derived(
        float(out + crossing), inputs, f"{float(out):,.4g} to the internet, {float(crossing):,.4g} between zones"
    )
    if terms.prices is None:
        return Part(
            "network", gib, "GiB", None if out + crossing else Figure(0.0, "catalogue", "nothing leaves a zone")
        )
    usd = internet_usd(terms.prices, _decimal(out)) + _decimal(crossing) * terms.prices.zone
    return Part("network", gib, "GiB", derived(usd, inputs, f"AWS by the gigabyte, ${terms.prices.zone} across zones"))


def _nothing(why: str) -> Figure:
    return Figure(0.0, "assumed", why)


def _included(rate: Figure | None) -> Figure | None:
    """Nothing more, where a person said what a node costs in all; else nobody knows."""
    return None if rate is None else Figure(0.0, "given", rate.source)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def unpriced(costs: MonthlyCost) -> Iterator[str]:
    """Yield what to say of a cost that is not known whole."""
    if costs.unknown:
        known = f", ${costs.known_usd:,.2f} a month without" if costs.known_usd else ""
        yield f"the price of {' and '.join(costs.unknown)} is not known{known}"

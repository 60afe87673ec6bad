"""Say what each objective of a model counts as missed, and over which ranges its budget's use is looked at.

The method is that of Google's SRE Workbook, chapter 5, "Alerting on SLOs", its sixth way: several ranges, several rates
(https://sre.google/workbook/alerting-on-slos/). A burn rate of 1 uses up the budget exactly in the window. An alert is
about a part of the budget that was used at a rate; of a window W, its long range is W * part / rate, and its short
range, by which it ends soon after the trouble does, a twelfth of that. Of 30 days:

    part of the budget   rate   long   short
    2 %                  14.4   1 h    5 m
    5 %                  6      6 h    30 m
    10 %                 3      1 d    2 h
    10 %                 1      3 d    6 h
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from slipway.autoscaling.signals import ASKED, EDGES_S
from slipway.spec.slo import Slo

ROUTES = rf"{ASKED}|/v1/(chat/)?completions"
"""Routes that ask a model, of tensors or of language; what is asked over gRPC counts as the route that it is like."""
SCRAPES_LEAST = 4
"""A rate needs two scrapes, one or two of which may fail."""
MISSED_MOST = 4
"""Calls that may miss an objective in a long range without an alert: where few call, one failure is a large share."""
AVAILABILITY, LATENCY = "availability", "latency"
_SHORT = 12
_INTERVAL_MOST_S = 60
_P95 = Fraction(5, 100)


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget is used, and over which ranges that is looked at; see the module's table."""

    rate: Fraction
    long_s: int
    short_s: int
    severity: str


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise.

    Attributes:
        name: `availability` or `latency`, the label `slo` of its series.
        budget: share of calls that may miss it.
        missed: PromQL of the calls in a second that miss it; empty before there are any series.
        said: what missing it is, for people.
    """

    name: str
    budget: Fraction
    missed: str
    said: str


_BURNS = ((Fraction(2, 100), Fraction(72, 5)), (Fraction(5, 100), Fraction(6)), (Fraction(1, 10), Fraction(3)))
_SLOW_BURN = (Fraction(1, 10), Fraction(1))


def burns(window_s: int) -> tuple[Burn, ...]:
    """The alerts of a window, the fastest first; the two fast ones cannot wait until the morning."""
    found = []
    for index, (part, rate) in enumerate((*_BURNS, _SLOW_BURN)):
        long_s = int(window_s * part / rate)
        found.append(Burn(rate, long_s, long_s // _SHORT, "critical" if index < 2 else "warning"))
    return tuple(found)


def base_s(window_s: int) -> int:
    """Seconds of the shortest range, over which calls are counted; all longer ones are sums of it."""
    return burns(window_s)[0].short_s


def interval_s(window_s: int) -> int:
    """How often the rules are evaluated, in seconds: four times in the shortest range, once a minute at least."""
    return min(_INTERVAL_MOST_S, max(1, base_s(window_s) // SCRAPES_LEAST))


def window_least_s(scrape_s: int) -> int:
    """The shortest window whose shortest range holds enough scrapes, in seconds."""
    part, rate = _BURNS[0]
    return int(SCRAPES_LEAST * scrape_s * _SHORT * rate / part)


def objectives(slo: Slo, of_model: str) -> Iterator[Objective]:
    """The promises of a model. `of_model`: labels of its series, as PromQL selects by them."""
    over = f"[{duration(base_s(slo.window))}]"
    asked = f'{of_model},route=~"{ROUTES}"'
    if slo.availability is not None:
        failed = f'sum(rate(slipway_requests_total{{{asked},status=~"5.."}}{over}))'
        # Without a single failure there is no series of failures.
        missed = f"{failed} or 0 * {counted(slo, of_model)}"
        budget = 1 - Fraction(str(slo.availability)) / 100
        yield Objective(AVAILABILITY, budget, missed, "fail")
    if slo.p95_ms is not None:
        every = f"sum(rate(slipway_request_seconds_count{{{asked}}}{over}))"
        quick = f'sum(rate(slipway_request_seconds_bucket{{{asked},le=~"{_edge(slo.p95_ms)}"}}{over}))'
        yield Objective(LATENCY, _P95, f"{every} - {quick}", f"take longer than {slo.p95_ms:g} ms")


def names_of(slo: Slo) -> tuple[str, ...]:
    """Names of the promises, as the label `slo` of their series has them."""
    given = {AVAILABILITY: slo.availability, LATENCY: slo.p95_ms}
    return tuple(name for name, value in given.items() if value is not None)


def counted(slo: Slo, of_model: str) -> str:
    """PromQL of all calls in a second."""
    return f'sum(rate(slipway_requests_total{{{of_model},route=~"{ROUTES}"}}[{duration(base_s(slo.window))}]))'


def edges_ms() -> tuple[float, ...]:
    """The times that the model server's histograms tell apart, in milliseconds."""
    return tuple(round(edge * 1000, 6) for edge in EDGES_S)


def _edge(p95_ms: float) -> str:
    """An edge as Prometheus 2 and 3 write it, as a regular expression: of a whole number `1` or `1.0`."""
    edge = p95_ms / 1000
    return rf"{edge:g}(\\.0)?" if edge == int(edge) else f"{edge:g}".replace(".", r"\\.")


def duration(seconds: int) -> str:
    """Seconds as Prometheus writes times, in the largest unit that is exact: 21600 is `6h`."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"

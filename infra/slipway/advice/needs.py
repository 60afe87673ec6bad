"""Say what a model is needed for: from what was asked, else from its spec, else assumed, and each number says which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.advice.figures import Figure, figure_json
from slipway.loading.variant import Variant
from slipway.values.quantities import compact_json

MB = 10**6
"""Bytes. Networks count in powers of ten."""
BANDWIDTH_MBPS = 100.0
RATE = 1.0
"""Requests a second."""
EVERYWHERE = ""
"""Key of `Asked.processing_ms` for what holds on any accelerator."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for; None, or nothing, is left to the spec, or assumed.

    Attributes:
        latency_ms: most milliseconds from a client's first byte until its last.
        request_mb: megabytes of a request.
        answer_mb: megabytes of an answer.
        bandwidth_mbps: megabits a second between a client and the model.
        rps: requests a second, by day and night.
        budget_usd: most dollars a month.
        residency: regions that the model's data may be in; any for none.
        private: whether nothing of it may be reached from the internet.
        processing_ms: milliseconds of one request on a whole accelerator, by its name (`cpu`, `graviton`, `T4`).
        node_usd: dollars an hour of a node whose price nobody knows.
    """

    latency_ms: float | None = None
    request_mb: float | None = None
    answer_mb: float | None = None
    bandwidth_mbps: float | None = None
    rps: float | None = None
    budget_usd: float | None = None
    residency: tuple[str, ...] = ()
    private: bool = False
    processing_ms: Mapping[str, float] = field(default_factory=dict)
    node_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model is needed for in one environment; units are those of `Asked`, sizes are bytes."""

    request_bytes: Figure
    answer_bytes: Figure
    bandwidth_mbps: Figure
    rps: Figure
    latency_ms: Figure | None
    budget_usd: Figure | None
    residency: tuple[str, ...]
    private: bool

    @property
    def transfer_ms(self) -> float:
        """Milliseconds that a request and its answer are on the way: data / bandwidth."""
        bits = 8 * (self.request_bytes.value + self.answer_bytes.value)
        return bits / (self.bandwidth_mbps.value * MB) * 1000

    @property
    def inputs(self) -> tuple[Figure, ...]:
        """What `transfer_ms` was computed from."""
        return (self.request_bytes, self.answer_bytes, self.bandwidth_mbps)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "requestBytes": figure_json(self.request_bytes),
            "answerBytes": figure_json(self.answer_bytes),
            "bandwidthMbps": figure_json(self.bandwidth_mbps),
            "requestsPerSecond": figure_json(self.rps),
            "latencyMs": figure_json(self.latency_ms),
            "budgetUsd": figure_json(self.budget_usd),
            "residency": list(self.residency),
            "private": self.private,
        }

    def lines(self) -> Iterator[str]:
        """For people: each number, and where it is from."""
        size = (self.request_bytes.value + self.answer_bytes.value) / MB
        sources = dict.fromkeys(one.source for one in (self.request_bytes, self.answer_bytes))
        yield f"a request and its answer are {size:,.6g} MB: {'; '.join(sources)}"
        yield f"{self.bandwidth_mbps.value:,g} Mbit/s between a client and the model: {self.bandwidth_mbps.source}"
        yield f"{self.rps.value:,g} requests a second: {self.rps.source}"
        if self.latency_ms is not None:
            yield f"an answer within {self.latency_ms.value:,g} ms: {self.latency_ms.source}"
        if self.budget_usd is not None:
            yield f"at most ${self.budget_usd.value:,g} a month: {self.budget_usd.source}"
        if self.residency:
            yield f"data stays in {', '.join(self.residency)}"
        if self.private:
            yield "nothing is reached from the internet: --private"


def needs_of(variant: Variant, asked: Asked) -> Needs:
    """What a model is needed for, as it is served in one environment."""
    spec = variant.spec
    expected, slo = spec.endpoint.expected, spec.slo
    golden = len(compact_json(variant.request).encode())
    request = _given(asked.request_mb, "--request-mb", MB)
    answer = _given(asked.answer_mb, "--answer-mb", MB)
    rps = _given(asked.rps, "--rps")
    if expected is not None:
        request = request or Figure(expected.request_size, "given", "endpoint.expected.request_size")
        answer = answer or Figure(expected.answer_size, "given", "endpoint.expected.answer_size")
        each_s = expected.requests.count / expected.requests.per_s
        rps = rps or Figure(each_s, "given", "endpoint.expected.requests")
    request = request or Figure(
        golden, "assumed", "a request is assumed to be as large as the golden one; --request-mb"
    )
    same = "an answer is assumed to be as large as its request; --answer-mb"
    latency = _given(asked.latency_ms, "--latency-ms")
    if latency is None and slo is not None and slo.p95_ms is not None:
        latency = Figure(slo.p95_ms, "given", "slo.p95_ms")
    residency = asked.residency or ((spec.data.region,) if spec.data is not None else ())
    return Needs(
        request_bytes=request,
        answer_bytes=answer or Figure(request.value, "assumed", same),
        bandwidth_mbps=_given(asked.bandwidth_mbps, "--bandwidth-mbps")
        or Figure(BANDWIDTH_MBPS, "assumed", "assumed; --bandwidth-mbps"),
        rps=rps or Figure(RATE, "assumed", "assumed; --rps, or endpoint.expected of the spec"),
        latency_ms=latency,
        budget_usd=_given(asked.budget_usd, "--budget"),
        residency=residency,
        private=asked.private,
    )


def _given(value: float | None, option: str, unit: float = 1) -> Figure | None:
    return None if value is None else Figure(value * unit, "given", option)

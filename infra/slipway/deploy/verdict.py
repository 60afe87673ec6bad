"""What a golden request is sent by, how long it is asked for again, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from slipway_server.values.expect import judge

from slipway.artifacts.golden_request import GoldenRequest
from slipway.cluster.passes import Objects
from slipway.errors.failures import WrongAnswer

# After an outage of the API server, controllers and proxies ask it again only after up to 30 s, or twice that. Until
# then they know the pods of the release before, which answer as long as they are asked.
SETTLE_S = 75.0
RETRY_S = 0.25
PROXY_EXTRA_S = 5.0


class Services(Objects, Protocol):
    """Whatever reads objects and reaches Services of a namespace, as `slipway.cluster.api.Cluster` does."""

    def through_service(
        self,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send a request to a Service by way of the API server."""
        ...


@dataclass(frozen=True)
class Verdict:
    """A right answer. `took_s`: from the request to its answer, by way of the API server.

    `release`: empty where nobody can tell who answered.
    """

    release: str
    took_s: float
    outputs: dict[str, Any]


def judged(model: str, check: GoldenRequest, outputs: Mapping[str, Any], release: str, took_s: float) -> Verdict:
    """Return the verdict on an answer, or raise `WrongAnswer`; `release`: as in the verdict."""
    if took_s > check.timeout_s:
        raise WrongAnswer(model, f"the answer took {took_s:.2f} s; the limit is {check.timeout_s:g} s")
    if reason := judge(outputs, check.expect):
        raise WrongAnswer(model, reason)
    return Verdict(release=release, took_s=took_s, outputs=dict(outputs))

"""Ask Prometheus what the gateway counted, every few seconds; silence is missing evidence, never a zero."""

import asyncio
import re
import time

import httpx
import orjson

from slipway_judge.live.counted import PRESENT, REQUESTS, TIMES, Counted, Sample
from slipway_judge.telemetry.log import log
from slipway_judge.telemetry.metrics import Metrics
from slipway_judge.values.evidence import Calls
from slipway_judge.values.plan import Plan

STALE_S = 30.0
"""Evidence of calls of clients is missing when Prometheus has said nothing for so long."""
_LIMIT_S = 5.0


class Live:
    """What clients got in the present window."""

    def __init__(self, plan: Plan, metrics: Metrics, every_s: float) -> None:
        self._plan, self._metrics, self._every_s = plan, metrics, every_s
        self._client = httpx.AsyncClient(timeout=_LIMIT_S, trust_env=False)
        self._query = query(plan)
        self._failing = False
        self._counted = Counted(plan.clusters)
        self._looks = 0
        self._looked_at = 0.0

    def begin(self) -> None:
        """Begin a new window: count from the next look on."""
        self._counted, self._looks, self._looked_at = Counted(self._plan.clusters), 0, 0.0

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self._look()
            await asyncio.sleep(self._every_s)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def calls(self, before: Calls | None) -> tuple[Calls | None, str]:
        """Return what was counted in this window, or None and why it is missing.

        Args:
            before: what was counted in the last step in which the old release had enough calls of clients.
        """
        if time.monotonic() - self._looked_at > STALE_S or not self._looks:
            return None, f"Prometheus at {self._plan.prometheus} says nothing of them"
        if self._looks < 2:
            return None, "counting has just begun"
        return self._counted.calls_after(self._plan.judge, before), ""

    async def _look(self) -> None:
        counted = self._counted
        try:
            answer = await self._client.post(f"{self._plan.prometheus}/api/v1/query", data={"query": self._query})
            answer.raise_for_status()
            samples = parse(answer.content)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            self._fails(type(error).__name__)
            return
        there = counted.look(samples)
        self._fails(None if there else "no metrics of the gateway for this model")
        # A window that began while Prometheus was asked has its own counts.
        if there and counted is self._counted:
            self._looks += 1
            self._looked_at = time.monotonic()

    def _fails(self, reason: str | None) -> None:
        if (reason is not None) != self._failing:
            log("Prometheus says nothing" if reason else "Prometheus answers again", reason=reason)
        self._failing = reason is not None
        self._metrics.unreachable("prometheus", self._failing)


def query(plan: Plan) -> str:
    """Return the query for all counters of the clusters of both releases."""
    names = "|".join((REQUESTS, TIMES, PRESENT))
    clusters = "|".join(re.escape(name) for name in (*plan.clusters.old, *plan.clusters.new))
    return f"{{__name__=~{_quoted(names)},envoy_cluster_name=~{_quoted(clusters)}}}"


def parse(body: bytes) -> list[Sample]:
    """Return the samples in an answer to an instant query.

    Raises:
        ValueError, KeyError, TypeError: it is no such answer.
    """
    document = orjson.loads(body)
    if document["status"] != "success":
        raise ValueError(f"status {document['status']!r}")
    return [
        Sample(frozenset(series["metric"].items()), float(series["value"][1])) for series in document["data"]["result"]
    ]


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()

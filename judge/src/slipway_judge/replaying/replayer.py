"""Ask both releases a mirrored call side by side, within bounds, and count what came of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import httpx

from slipway_judge.replaying.answers import SIZE_LIMIT, Difference, NotComparable, Output, differences, outputs_of
from slipway_judge.replaying.call import Call
from slipway_judge.replaying.tally import Tally
from slipway_judge.telemetry.metrics import Metrics
from slipway_judge.values.plan import Plan, Rules

CALLS_LIMIT = 16
"""Calls in flight at once: so many more the old release has to answer at the worst, beside those of its clients."""
BYTES_LIMIT = 64 * 2**20
"""Bytes of their bodies at once."""
Side = Literal["old", "new"]


@dataclass(frozen=True)
class _Answer:
    """What a release answered: None as status when it did not."""

    status: int | None
    ms: float
    body: bytes = b""
    headers: httpx.Headers | None = None

    @property
    def good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        return self.status is not None and 400 <= self.status < 500


class Replayer:
    """Replays calls; what is too much at once is dropped by whoever takes the calls in, and never waits."""

    def __init__(self, plan: Plan, services: str, metrics: Metrics) -> None:
        """Nothing is asked yet.

        Args:
            plan: whose releases are asked.
            services: URL of a Service, with `{service}`, `{namespace}` and `{port}` in it.
            metrics: where calls and pairs are counted.
        """
        self._plan, self._metrics = plan, metrics
        self._urls: dict[Side, str] = {
            "old": services.format(service=plan.old.service, namespace=plan.namespace, port=plan.port),
            "new": services.format(service=plan.new.service, namespace=plan.namespace, port=plan.port),
        }
        limits = httpx.Limits(max_connections=3 * CALLS_LIMIT, max_keepalive_connections=CALLS_LIMIT)
        self._client = httpx.AsyncClient(limits=limits, timeout=None, trust_env=False)  # noqa: S113 - in `_asked`
        self._comparing = asyncio.Lock()
        self.tally: Tally | None = None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def replay(self, call: Call) -> None:
        """Ask both releases, and count the answers if the present step is beyond its warm-up."""
        tally = self.tally
        counts = tally is not None and tally.begins()
        old, new = await asyncio.gather(self._ask("old", call), self._ask("new", call))
        if tally is None or not counts:
            return
        if old.refused:
            # The caller's mistake, unless the new release takes it; that is no evidence against it either.
            return
        tally.ended(old_good=old.good, new_good=new.good)
        if not (old.good and new.good):
            return
        tally.timed(old.ms, new.ms)
        if self._plan.judge.agreement is not None:
            await self._compare(tally, call, old, new)

    async def _compare(self, tally: Tally, call: Call, old: _Answer, new: _Answer) -> None:
        rules = self._plan.judge
        again = await self._ask("old", call) if tally.wants_self_pair else None
        try:
            # One at a time: numbers that were read take many times the bytes of their answer.
            async with self._comparing:
                found, itself = await asyncio.to_thread(_compared, old, new, again, rules)
        except NotComparable:
            tally.not_comparable()
            self._metrics.pair("not_comparable")
            return
        if itself is not None:
            tally.compared_with_itself(bool(itself))
        tally.compared(found)
        self._metrics.pair("disagree" if found else "agree")

    async def _ask(self, side: Side, call: Call) -> _Answer:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._plan.timeout_s):
                answer = await self._sent(side, call, started)
        except TimeoutError:
            outcome = "timeout"
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        else:
            self._metrics.replay(side, f"{(answer.status or 0) // 100}xx")
            return answer
        self._metrics.replay(side, outcome)
        return _Answer(None, _ms(started))

    async def _sent(self, side: Side, call: Call, started: float) -> _Answer:
        async def once() -> _Answer:
            asked = self._client.stream(
                "POST", self._urls[side] + call.path, content=call.body, headers=list(call.headers)
            )
            async with asked as answer:
                pieces, size = [], 0
                async for piece in answer.aiter_bytes():
                    # All of it is read, for its time; beyond what is compared, nothing is kept.
                    if size <= SIZE_LIMIT:
                        pieces.append(piece)
                    size += len(piece)
                return _Answer(answer.status_code, _ms(started), b"".join(pieces), answer.headers)

        try:
            return await once()
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # A server may close an idle connection at the moment in which it is used again; one that fails on this very
            # call will fail on it twice.
            return await once()


class Bounds:
    """How much is in flight, and whether more fits."""

    def __init__(self, calls: int = CALLS_LIMIT, size: int = BYTES_LIMIT) -> None:
        self._calls, self._size = calls, size
        self.calls = self.size = 0

    def take(self, size: int) -> Callable[[], None] | None:
        """Take room for a call of so many bytes, and return what gives it back; None: there is none."""
        if self.calls >= self._calls or self.size + size > self._size:
            return None
        self.calls += 1
        self.size += size

        def give_back() -> None:
            self.calls -= 1
            self.size -= size

        return give_back


def _compared(
    old: _Answer, new: _Answer, again: _Answer | None, rules: Rules
) -> tuple[list[Difference], list[Difference] | None]:
    """Return in what the new answer differs from the old one, and in what the old release's second one does."""
    outputs = _outputs(old)
    found = differences(outputs, _outputs(new), rules.outputs, rules.tolerance)
    if again is None or not again.good:
        return found, None
    return found, differences(outputs, _outputs(again), rules.outputs, rules.tolerance)


def _outputs(answer: _Answer) -> dict[str, Output]:
    return outputs_of(answer.body, dict(answer.headers or {}))


def _ms(started: float) -> float:
    return 1000 * (time.perf_counter() - started)

"""Say what a model's steps save: bytes that nodes fetch, seconds of a cold start, dollars if it gets less memory.

Only what a lock and prices tell. How long an answer takes is no part of it: times are one machine's, so that
`slipway lock` measures and shows them, and no lock has them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.filesize import decimal

from slipway.capacity.estimates import estimates, monthly
from slipway.environments.planning.pool import Pool
from slipway.lockfile.model import Lock
from slipway.plan.model import ModelPlan
from slipway.spec.model import ModelSpec
from slipway.values.quantities import format_bytes

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Worth:
    """What serves beside the trained weights.

    Attributes:
        before: bytes of the trained weights.
        after: bytes of what serves.
        cold_start_s: by how many seconds the estimated cold start is shorter.
        memory: bytes by which `resources.memory` may be lowered: weights lie in memory as large as in their file.
        usd: dollars a month that this would save with the fewest and with the most replicas; None where nothing is
            charged by the hour.
    """

    before: int
    after: int
    cold_start_s: int
    memory: int
    usd: tuple[float, float] | None

    @classmethod
    def of(cls, lock: Lock, pool: Pool, spec: ModelSpec, *, stored: bool) -> "Worth":
        """What a lock's steps save a model on its pool; `stored`: whether each pod fetches its weights."""
        before, after = lock.source.size, lock.served.size
        now = estimates(pool, spec, after, stored=stored)
        slower = estimates(pool, spec, before, stored=stored).cold_start.total_s - now.cold_start.total_s
        memory = max(0, before - after) // _MIB * _MIB
        less = spec.resources.model_copy(update={"memory": max(_MIB, spec.resources.memory - memory)})
        cheaper = estimates(pool, spec.model_copy(update={"resources": less}), after, stored=stored).cost
        usd = None
        if now.cost is not None and cheaper is not None:
            pairs = ((now.cost.at_min, cheaper.at_min), (now.cost.at_max, cheaper.at_max))
            least, most = (float(monthly(rate - lower)) for rate, lower in pairs)
            usd = (least, most)
        return cls(before, after, slower, memory, usd)

    @classmethod
    def of_plan(cls, model: ModelPlan) -> "Worth | None":
        """What the steps of a planned model's lock save it; None where there are none."""
        if model.locked is None or not model.locked.lock.steps:
            return None
        return cls.of(model.locked.lock, model.pool, model.spec, stored=model.delivery.stored is not None)

    def lines(self, model: str) -> Iterator[str]:
        """For people: what is saved, and where the times are."""
        saved = self.before - self.after
        words = f"{decimal(saved)} less" if saved >= 0 else f"{decimal(-saved)} more"
        start = f", a cold start {self.cold_start_s} s shorter" if self.cold_start_s > 0 else ""
        yield (
            f"its steps made {decimal(self.after)} of {decimal(self.before)}: {words} to fetch{start}; "
            f"`slipway lock {model}` shows what they do to its times"
        )
        if self.memory:
            dollars = "" if self.usd is None else f": ${self.usd[0]:,.2f} to ${self.usd[1]:,.2f} a month"
            yield f"resources.memory can be {format_bytes(self.memory)} less than before its steps{dollars}"

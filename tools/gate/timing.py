"""Time models side by side: in turns, so that what else the machine does meets all of them alike."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from workers import Worker

WARM_UP = 20
_ENOUGH = 2000
_FEWEST_FOR_P99 = 200
_BLOCK_S = 0.02
_LIMIT_S = 20.0
"""For each model, of one kind of request."""


def timed(workers: Sequence[Worker], tell: Callable[[str], None]) -> list[dict[str, object]]:
    """For each model p50 and p99 of the request that it was made ready for, in milliseconds, and of how many runs.

    p99 is None where a model is so slow that fewer than 200 runs fit into the time.
    """
    sizes = []
    for worker in workers:
        worker.time(WARM_UP)
        slowest = max(worker.time(3)) / 1e9
        sizes.append(max(1, min(200, int(_BLOCK_S / max(slowest, 1e-6)))))
    taken: list[list[int]] = [[] for _ in workers]
    ends, turn = time.monotonic() + _LIMIT_S * len(workers), 0
    order = list(range(len(workers)))
    while min(map(len, taken)) < _ENOUGH and (time.monotonic() < ends or not turn):
        for index in order if turn % 2 == 0 else reversed(order):
            taken[index].extend(workers[index].time(sizes[index]))
        turn += 1
        if turn % 25 == 0:
            tell(f"{min(map(len, taken))} of {_ENOUGH} runs")
    return [_summary(np.array(each)) for each in taken]


def _summary(taken_ns: np.ndarray) -> dict[str, object]:
    p50, p99 = np.percentile(taken_ns, (50, 99)) / 1e6
    enough = len(taken_ns) >= _FEWEST_FOR_P99
    return {"p50_ms": float(p50), "p99_ms": float(p99) if enough else None, "runs": len(taken_ns)}

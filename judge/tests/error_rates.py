"""Compute how often the rule with three outcomes errs: python judge/tests/error_rates.py.

Exact for shares: the distribution of the bad ones is carried from look to look, and what is decided leaves it. For
latencies, whose limit is itself estimated from the same calls, 300 seeded runs.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from slipway_judge.judging.measures import SLOW_SHARE, highest_share, of_latency, slow_allowed, slow_limit_ms
from slipway_judge.judging.verdict import Verdict, verdict
from slipway_judge.values.evidence import Calls
from slipway_judge.values.plan import Rules

LOOK = 25
"""Calls between two looks: a judge that looks once a second sees about so many."""
LEAST = 500
MOST = 20_000
"""Calls after which a step is inconclusive for good."""
Floats = npt.NDArray[np.float64]

judged = lru_cache(maxsize=None)(verdict)


def rates(share: float, allowed: float) -> dict[str, float]:
    """Return how a measure ends whose calls are bad with a probability, and how many calls that takes on average."""
    more = _binomial(LOOK, share)
    alive: Floats = np.array([1.0])
    ends: dict[Verdict, float] = {"passed": 0.0, "failed": 0.0, "inconclusive": 0.0}
    calls = 0.0
    for n in range(LOOK, MOST + 1, LOOK):
        calls += LOOK * float(alive.sum())
        alive = np.convolve(alive, more)
        for bad in np.flatnonzero(alive):
            end = judged(int(bad), n, allowed, LEAST)
            if end != "inconclusive":
                ends[end] += float(alive[bad])
                alive[bad] = 0.0
        alive = alive[: np.flatnonzero(alive).max(initial=0) + 1]
    ends["inconclusive"] = float(alive.sum())
    return {**ends, "calls": calls}


def latency_rates(draw: Callable[[int], Floats], slower: float, runs: int = 300) -> dict[str, float]:
    """Return the same for latencies: the new release's are the old one's distribution times `slower`."""
    rules = Rules(errors=0.01, p95_ms=None, agreement=None, tolerance=0.0, outputs=None, least_requests=LEAST)
    ends: dict[str, float] = {"passed": 0.0, "failed": 0.0, "inconclusive": 0.0, "calls": 0.0}
    for _ in range(runs):
        old, new = draw(MOST), slower * draw(MOST)
        end, n = "inconclusive", 0
        while end == "inconclusive" and n < MOST:
            n += max(4 * LOOK, n // 20)
            seen = old[:n]
            limits = [
                slow_limit_ms(rules, float(np.quantile(seen, share))) for share in (0.95, highest_share(n) or 1.0)
            ]
            slow, surely = (int((new[:n] > (limit or 0.0)).sum()) for limit in limits)
            calls = Calls(
                slow_limit_ms=limits[0],
                surely_slow_limit_ms=limits[1],
                slow_allowed=slow_allowed(float((seen > (limits[0] or 0.0)).sum()), n),
                timed=n,
                slow=slow,
                surely_slow=surely,
            )
            end = of_latency(rules, calls)
        ends[end] += 1 / runs
        ends["calls"] += n / runs
    return ends


def _binomial(n: int, share: float) -> Floats:
    made: Floats = np.array([1.0])
    for _ in range(n):
        made = np.convolve(made, [1 - share, share])
    return made


def _line(name: str, found: dict[str, float]) -> str:
    rest = " | ".join(f"{100 * found[end]:.3f} %" for end in ("passed", "failed", "inconclusive"))
    return f"| {name} | {rest} | {found['calls']:.0f} |"


def main() -> None:
    """Write the tables of ADR 0049."""
    for allowed, shares in (
        (0.01, (0.0, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.2)),
        (SLOW_SHARE, (0.02, 0.037, 0.045, 0.05, 0.06, 0.08, 0.1, 0.2)),
    ):
        print(f"\n| allowed {allowed:.0%}, really | passed | failed | inconclusive | calls |")  # noqa: T201
        for share in shares:
            print(_line(f"{share:.2%}", rates(share, allowed)))  # noqa: T201
    random = np.random.default_rng(1)
    draws: dict[str, Callable[[int], Floats]] = {
        "exponential, 20 ms": lambda n: random.exponential(20.0, n),
        "lognormal, 20 ms, sigma 0.5": lambda n: random.lognormal(np.log(20.0), 0.5, n),
        "lognormal, 20 ms, sigma 1": lambda n: random.lognormal(np.log(20.0), 1.0, n),
        "a busy node, 10 ms or 150 ms": lambda n: random.exponential(np.where(random.random(n) < 0.9, 10.0, 150.0)),
    }
    print("\n| latency, new by old | passed | failed | inconclusive | calls |")  # noqa: T201
    for name, draw in draws.items():
        for slower in (1.0, 1.1, 1.2, 1.3, 1.5, 2.0):
            print(_line(f"{name}, times {slower}", latency_rates(draw, slower)))  # noqa: T201


if __name__ == "__main__":
    main()

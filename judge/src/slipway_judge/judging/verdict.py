"""The rule with three outcomes: are `bad` of `n` more than `allowed`, fewer, or can that not be told yet?"""

import math
from collections.abc import Iterator
from typing import Literal

Verdict = Literal["failed", "passed", "inconclusive"]

FAIL_RISK = 0.001
"""So rare must so many bad ones be at the allowed share before a measure fails."""
PASS_RISK = 0.05
"""So rare must so few bad ones be at the allowed share before a measure passes."""


def verdict(bad: int, n: int, allowed: float, least: int) -> Verdict:
    """Judge a count.

    Args:
        bad: how many were bad.
        n: of how many.
        allowed: share that may be bad, 0..1.
        least: nothing passes with fewer.
    """
    if n and at_least(bad, n, allowed) < FAIL_RISK:
        return "failed"
    if n >= max(least, 1) and at_most(bad, n, allowed) < PASS_RISK:
        return "passed"
    return "inconclusive"


def at_least(k: int, n: int, share: float) -> float:
    """Return how probable `k` or more bad ones of `n` are when each is bad with this probability."""
    if k <= n * share:
        return 1.0 if k <= 0 else 1.0 - at_most(k - 1, n, share)
    return min(1.0, math.fsum(_tail(k, n, share)))


def at_most(k: int, n: int, share: float) -> float:
    """Return how probable `k` or fewer bad ones of `n` are when each is bad with this probability."""
    # That many good ones or more; the tail is always summed away from the peak, where its terms only fall.
    if k >= n * share:
        return 1.0 if k >= n else 1.0 - at_least(k + 1, n, share)
    return min(1.0, math.fsum(_tail(n - k, n, 1 - share)))


def _tail(k: int, n: int, share: float) -> Iterator[float]:
    """Yield the probabilities of `k`, `k` + 1 ... of `n`, where `k` is above the mean, until they add nothing.

    Each follows from the one before, so that the gamma function, whose error grows with `n`, is asked once.
    """
    if share <= 0 or k > n:
        return
    term = first = math.exp(
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(share)
        + (n - k) * math.log1p(-share)
    )
    while term > first * 1e-17:
        yield term
        if k == n:
            return
        term *= (n - k) / (k + 1) * share / (1 - share)
        k += 1

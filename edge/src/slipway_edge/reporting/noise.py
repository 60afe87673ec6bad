"""Whole numbers of noise that hide one, exactly: no floating-point number is drawn, whose gaps would tell.

Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", arXiv:2004.00010, algorithm 2.
"""

from collections.abc import Callable
from fractions import Fraction
from math import exp, floor

_PARTS = 1_000_000
"""An epsilon is taken in millionths, rounded down: never less noise than was asked for."""
Below = Callable[[int], int]
"""A whole number from 0 to below the argument, all equally likely: `secrets.randbelow`."""


def laplace(epsilon: float, below: Below) -> int:
    """Draw from the discrete Laplace distribution: x is as likely as e^(-epsilon |x|).

    Added to a count that one input changes by one at most, it makes the count epsilon-differentially private.

    Args:
        epsilon: from a millionth on.
        below: the source of chance; it has to be one that nobody can foresee.
    """
    parts = floor(Fraction(epsilon) * _PARTS)
    while True:
        start = below(_PARTS)
        if not _with_exp(start, _PARTS, below):
            continue
        more = 0
        while _with_exp(1, 1, below):
            more += 1
        size = (start + _PARTS * more) // parts
        negative = below(2) == 1
        if not (negative and size == 0):
            return -size if negative else size


def _with_exp(numerator: int, denominator: int, below: Below) -> bool:
    """True with probability e^(-numerator/denominator), for a fraction from 0 to 1."""
    step = 1
    while below(denominator * step) < numerator:
        step += 1
    return step % 2 == 1


def variance(epsilon: float) -> float:
    """Of the distribution that `laplace` draws from."""
    share = exp(-epsilon)
    return 2 * share / (1 - share) ** 2

"""Compute how far a window's rows are from a profile's, by bin, and what chance alone makes of it.

With p and q the shares of the window and the profile in each bin, after half a row was added to every bin:

    psi  sum of (p - q) ln(p / q), the population stability index: Kullback's divergence in both directions
    js   Jensen's and Shannon's divergence in nats; the square of scipy.spatial.distance.jensenshannon
    ks   the largest distance of the shares up to a bin, Kolmogorov's and Smirnov's, over the bins' edges

Under no change psi and 8 js are near chi-squared with (bins - 1) degrees of freedom, times 1/n + 1/m for n and m rows
(B. Yurdakul, "Statistical properties of population stability index", 2018, theorem 4.1; J. Lin, 1991, for js). How near
depends on the bins' shares, so that bounds are simulated; and what is simulated is divided by that factor, which leaves
a number that hardly depends on n.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = Sequence[int] | NDArray[np.int64]
FALSE_ALARMS = 0.001
"""Of windows of one model in which nothing changed, the share in which any of its features is beyond its bound."""
LEAST_ROWS = 100
"""Of a window, below which nothing is said; the bounds hold from there on."""
SIZES = (LEAST_ROWS, 1_000, 10_000)
"""Rows of the windows that are simulated; the bound is the largest of theirs."""
_DRAWS = 20_000
_SEED = 20261127
_OWN = 0.99
"""The quantile by which a feature's distances are made comparable with another's: there are draws enough beyond it."""
_HALF = 0.5
_NOTHING = 1e-6


def psi(window: Counts, profile: Counts) -> Floats:
    """The population stability index; counts are [..., bins]."""
    p, q = _shares(window), _shares(profile)
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def js(window: Counts, profile: Counts) -> Floats:
    """Jensen's and Shannon's divergence in nats; counts are [..., bins]."""
    p, q = _shares(window), _shares(profile)
    middle = (p + q) / 2
    return np.asarray((p * np.log(p / middle) + q * np.log(q / middle)).sum(axis=-1) / 2)


def ks(window: Counts, profile: Counts) -> Floats:
    """The largest distance of the shares up to a bin; counts are [..., bins] in their order."""
    found = [np.cumsum(counts, axis=-1) / np.sum(counts, axis=-1, keepdims=True) for counts in (window, profile)]
    return np.asarray(np.abs(found[0] - found[1]).max(axis=-1))


STATISTICS = {"psi": psi, "js": js, "ks": ks}


def scale(statistic: str, rows: float, profile_rows: float) -> float:
    """What a bound is multiplied by for a window of `rows` held against `profile_rows`."""
    factor = 1 / rows + 1 / profile_rows
    return float(np.sqrt(factor)) if statistic == "ks" else factor


def bounds(profiles: Sequence[Counts], ordered: Sequence[bool]) -> list[Mapping[str, float]]:
    """What each feature's distances exceed by chance, see `FALSE_ALARMS`; divided by `scale`, to four digits.

    Window and profile are both drawn from the profile's shares: a profile is a sample, too. Features are drawn each by
    itself; where they go together, fewer windows are beyond a bound, never more (Sidak's inequality, for normal ones).

    Args:
        profiles: rows of each feature by bin.
        ordered: whether its bins have an order; `ks` is of those alone.

    Returns:
        For each feature a bound by the name of the statistic. The same for the same profiles: the seed is fixed.
    """
    found: list[dict[str, float]] = [{} for _ in profiles]
    for size in SIZES:
        chance = np.random.default_rng((_SEED, size))
        drawn = [_drawn(profile, size, chance, ordered=one) for profile, one in zip(profiles, ordered, strict=True)]
        for statistic in STATISTICS:
            own = {
                place: float(np.quantile(each[statistic], _OWN))
                for place, each in enumerate(drawn)
                if statistic in each
            }
            # What falls into one bin always has no distance at all: any is beyond its bound.
            units = {place: unit or _NOTHING for place, unit in own.items()}
            if not units:
                continue
            worst = np.max([drawn[place][statistic] / unit for place, unit in units.items()], axis=0)
            most = max(1.0, float(np.quantile(worst, 1 - FALSE_ALARMS)))
            for place, unit in units.items():
                found[place][statistic] = max(found[place].get(statistic, 0.0), float(f"{unit * most:.4g}"))
    return list(found)


def _drawn(profile: Counts, size: int, chance: np.random.Generator, *, ordered: bool) -> dict[str, Floats]:
    """The statistics of windows in which nothing changed, each [draws], for windows of one row."""
    counts = np.asarray(profile, dtype=np.int64)
    rows = int(counts.sum())
    windows, others = (chance.multinomial(each, counts / rows, size=_DRAWS) for each in (size, rows))
    wanted = {name: distance for name, distance in STATISTICS.items() if name != "ks" or ordered}
    return {name: distance(windows, others) / scale(name, size, rows) for name, distance in wanted.items()}


def _shares(counts: Counts) -> Floats:
    added = np.asarray(counts, dtype=np.float64) + _HALF
    return np.asarray(added / added.sum(axis=-1, keepdims=True))

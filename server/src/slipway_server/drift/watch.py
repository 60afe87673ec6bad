"""Count features of a share of the calls. No row outlives the next 64 calls, and none leaves the process."""

import random
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from slipway_server.drift.features import binned, read
from slipway_server.values.drift import DriftSection, FeatureSection
from slipway_server.values.tensors import Array

MOST_ROWS = 16
"""Of a call that are counted, the first: a batch of thousands would drown all others, and cost."""
_WAITING = 64
"""Calls that are counted together: numpy's calls cost more than what they do with one row."""
_WAITING_BYTES = 64 * 2**10
"""Of one call; what is larger is counted at once, so that little memory is held."""

Arrays = Mapping[str, Array]


class Watch:
    """What is counted of one model's calls. All methods are for the event loop's thread.

    Attributes:
        features: what is counted.
    """

    def __init__(self, section: DriftSection, chance: Callable[[], float] = random.random) -> None:
        """Begin with nothing counted; `chance`: a number from 0 to 1 for each call."""
        self.features = tuple(section.features)
        self._share = section.share
        self._chance = chance
        self._rows = [np.zeros(len(feature.bins), dtype=np.int64) for feature in self.features]
        self._ranks = {(feature.side, feature.of): feature.rank for feature in self.features}
        self._waiting: list[dict[tuple[str, str], Array]] = []
        self._like: object = None

    def saw(self, inputs: Arrays, outputs: Arrays) -> None:
        """Count a call, or pass it over; inputs and outputs as the model took and gave them."""
        if self._chance() >= self._share:
            return
        found: dict[tuple[str, str], Array] = {}
        size, like = 0, []
        sides = {"inputs": inputs, "outputs": outputs}
        for (side, name), rank in self._ranks.items():
            array = sides[side].get(name)
            if array is None or not isinstance(array, np.ndarray) or array.ndim not in (rank, rank + 1):
                continue
            rows = array[:MOST_ROWS] if array.ndim > rank else array[np.newaxis]
            # A view would keep the whole body, or the whole batch.
            found[side, name] = rows.copy()
            size += rows.nbytes
            like.append((side, name, rows.shape[1:]))
        if like != self._like:
            self._count()
            self._like = like
        self._waiting.append(found)
        if len(self._waiting) >= _WAITING or size > _WAITING_BYTES:
            self._count()

    def counted(self) -> list[tuple[FeatureSection, NDArray[np.int64]]]:
        """Each feature, and how many rows so far were in each of its bins."""
        self._count()
        return list(zip(self.features, self._rows, strict=True))

    def _count(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        whole = {key: np.concatenate([call[key] for call in waiting]) for key in waiting[0]}
        most = max((len(rows) for rows in whole.values()), default=0)
        for feature, total in zip(self.features, self._rows, strict=True):
            rows = whole.get((feature.side, feature.of))
            if rows is None or not rows[0].size:
                total[-1] += most  # missing, or no class of the profile
            else:
                found = read(feature.measure, min(feature.element, rows[0].size - 1), rows)
                np.add(total, np.bincount(binned(feature, found), minlength=len(total)), out=total)

"""Turn outputs that are no tensors, sequences and maps, into arrays of JSON values."""

from math import isfinite
from typing import Any

import numpy as np

from slipway_server.values.tensors import INFINITIES, Array, to_json

_WORDS = {value: word for word, value in INFINITIES.items()}


def as_array(result: Any) -> Array:
    """Return a sequence as an array of its items, a map as one item: objects of JSON values."""
    if isinstance(result, dict):
        array = np.empty((), dtype=np.object_)
        array[()] = _plain(result)
        return array
    items = np.empty(len(result), dtype=np.object_)
    for place, item in enumerate(result):  # one by one: numpy would make a dimension of lists of one length
        items[place] = _plain(item)
    return items


def _plain(item: Any) -> Any:
    if isinstance(item, dict):
        return {str(key): _plain(value) for key, value in item.items()}
    if isinstance(item, np.ndarray):
        written = to_json(item)
        return written.tolist() if isinstance(written, np.ndarray) else written
    if isinstance(item, float) and not isfinite(item):
        return _WORDS.get(item)  # None is a NaN
    return item

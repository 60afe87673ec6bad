"""Bring all that a version needs before it can start: its weights, then its image."""

from collections.abc import Callable, Sequence
from datetime import datetime

from slipway_edge.engine.port import Engine
from slipway_edge.fetching.store import Unfinished, WeightsStore
from slipway_edge.fetching.window import shut
from slipway_edge.values.document import Entry, Pull
from slipway_edge.values.errors import Away


class Bringing:
    """What is here is not brought, at whatever time; what is not waits for the hours of the site.

    Args:
        engine: has images.
        store: has weights.
        time: now, as the control side told it; None: it has not yet.
    """

    def __init__(self, engine: Engine, store: WeightsStore, time: Callable[[], datetime | None]) -> None:
        self._engine, self._store, self._time = engine, store, time
        self._pull = Pull()
        self.unfinished = False
        """Whether something was left when a turn was over, so that it can go on at once."""

    def begin(self, pull: Pull) -> None:
        """Begin a turn. `pull`: how much of the link may be used, and when, by the document in force."""
        self._pull, self.unfinished = pull, False

    def bring(self, entry: Entry, between: Callable[[], None]) -> None:
        """Have the weights and the image of a version.

        Raises:
            Away: not now; the reason says how far it is.
        """
        weights = entry.weights
        missing = weights is not None and not self._store.has(weights)
        if missing or not self._engine.has_image(entry):
            why = shut(self._pull, self._time())
            if why:
                raise Away(why)
        if missing and weights is not None:
            try:
                self._store.bring(weights, self._pull, between)
            except Unfinished:
                self.unfinished = True
                raise
        self._engine.pull(entry, between)

    def tidy(self, wanted: Sequence[Entry]) -> None:
        """Delete images and weights that no version of `wanted` needs.

        Raises:
            Away: the engine or the disk does not answer.
        """
        self._store.tidy([one.weights for one in wanted if one.weights is not None])
        self._engine.tidy(list(wanted))

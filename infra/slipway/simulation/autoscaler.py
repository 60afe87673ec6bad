"""Play what writes the number of replicas: KEDA, the HorizontalPodAutoscaler that it keeps, and the queries of both."""

from collections.abc import Sequence

import numpy as np

from slipway.autoscaling import signals
from slipway.autoscaling.floors import Floors
from slipway.autoscaling.horizontal import Horizontal, Metric, behavior, of_kubernetes
from slipway.autoscaling.signals import EDGES_S, SCRAPE_S, WINDOW_S, Seen
from slipway.simulation.replica import COLUMNS, NOTHING, SCRAPES, STATUSES, Replica
from slipway.spec.scale import Scale

POLL_S = 2
"""How often KEDA asks whether a model that goes to zero is used (pollingInterval)."""
_DEMAND = 1000.0
"""Target of the trigger that says who waits: it wakes a model, and has no say in how many replicas there are."""


class Autoscaler:
    """The rules of a model's `scale`, over its replicas."""

    def __init__(self, scale: Scale, cores: float, began_at: float, timeout_s: float) -> None:
        """Begin at a moment, in seconds since 1970, from which all other moments here are counted.

        No request is in a replica for longer than `timeout_s`.
        """
        self._scale = scale
        self._cores = cores
        self._began_at = began_at
        self._floors = Floors(scale.schedule)
        rules = behavior(scale) if scale.scaler == "ScaledObject" else of_kubernetes()
        self._horizontal = Horizontal(rules, scale.min, scale.max)
        self._used_at = 0.0
        self._quiet_after_s = timeout_s + WINDOW_S + 2 * SCRAPE_S

    def sync(self, now: float, replicas: Sequence[Replica], current: int, waiting: int) -> int:
        """Return how many replicas there shall be.

        Args:
            now: in seconds.
            replicas: those that were there within the window of a query.
            current: how many there are.
            waiting: requests that are held because there is no replica.
        """
        if self._scale.target is None:
            return self._scale.min
        metrics = [Metric(self._total(now, replicas), signals.threshold(self._scale))]
        metrics += [Metric(float(floor), 1.0) for floor in self._floors.at(self._began_at + now)]
        if self._scale.to_zero is not None:
            metrics.append(Metric(float(waiting), _DEMAND))
        return self._horizontal.sync(now, current, metrics)

    def poll(self, now: float, replicas: Sequence[Replica], current: int, waiting: int, asked_at: float) -> int:
        """Return how many replicas there shall be of a model that goes to zero.

        `asked_at`: when the last request came. The other arguments are those of `sync`.
        """
        if self._scale.to_zero is None:
            return current
        # What the query says is known without it while requests come, and long after the last one.
        quiet_s = now - asked_at
        if quiet_s < POLL_S and current:
            total: float | None = 1.0
        elif quiet_s > self._quiet_after_s:
            total = 0.0
        else:
            total = self._total(now, replicas)
        if total or waiting or any(self._floors.at(self._began_at + now)):
            self._used_at = now
            return max(current, self._scale.min)
        # Nothing that could be asked says that it is used; while something could not be asked, nothing is taken away.
        if current and total is not None and now - self._used_at > self._scale.to_zero.after:
            return 0
        return current

    def _total(self, now: float, replicas: Sequence[Replica]) -> float | None:
        scraped = [replica for replica in replicas if replica.scrapes]
        if not scraped:
            return None
        rows = np.array([[NOTHING] * (SCRAPES - len(one.scrapes)) + list(one.scrapes) for one in scraped])
        # From (pods, scrapes, columns) to columns, each of (pods, scrapes).
        column = {name: rows[:, :, index] for index, name in enumerate(COLUMNS)}
        buckets = np.moveaxis(rows[:, :, len(COLUMNS) :], 2, 1)
        split = len(EDGES_S) + 1
        seen = Seen(
            at=now,
            times=column["at"],
            in_flight=column["in_flight"],
            queue=column["queue"],
            cpu=column["cpu"],
            requests=np.stack([column[status] for status in STATUSES], axis=1),
            took=column["took"][:, None],
            took_buckets=buckets[:, None, :split],
            ran=column["ran"],
            ran_buckets=buckets[:, split:],
        )
        return signals.total(self._scale, seen, cores=self._cores)

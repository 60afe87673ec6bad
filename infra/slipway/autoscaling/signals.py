"""Say how many replicas the load asks for: as a query to Prometheus, and the same formula in Python for `simulate`.

Empty (None) is unknown, 0 is idle. Only pods that serve have series, so those that load do not count. Formulas:

- requests_per_second, queue: what all pods have together, over the window.
- gpu_percent: percent of its GPU that each pod uses, as DCGM measures the card; of several, the busiest. `total` takes
  the time that the model runs for it, which is the most that it can be.
- concurrency: requests inside all pods, from the seconds that requests took; of a pod that answers none, those that
  stayed inside for the whole window.
- p95_ms, mean_ms: replicas. A ratio of latency to target would swing, since latency is no straight line over replicas:
    busy    = replicas' worth of work: seconds that the model ran, or CPU over a replica's cores, each second
    waiting = latency - the model's own time; of p95 at most 3 times the mean of that
    allowed = 0.8 * (target - own time), at least a tenth of the target
    above the target by waiting: the replicas that serve, times latency / target, from 1.11 to 2
    else: busy + (replicas - busy) * sqrt(waiting / allowed), because waiting shrinks about with the square of idle
          replicas, where each request goes to the less busy of two; in any case at least busy / 0.8
  Nothing answered though requests are inside: the replicas that there are.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from slipway.autoscaling import gpus, rates
from slipway.autoscaling.rates import Array
from slipway.spec.scale import Scale, Target

SCRAPE_S = 5
"""How often Prometheus asks a pod."""
WINDOW_S = 30
"""Over how long a rate is taken: six scrapes, so that one or two may fail."""
EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Buckets of the model server's histograms: at these, p95 is measured; between them it is estimated."""

ASKED = r"/predict|/v2/models/.+/infer"
"""Routes that ask the model. Metadata, health and metrics are no load."""

BUSY_MOST = 0.8
"""No replica is planned to be busy for more of its time: a queue grows without bounds towards 1."""
MARGIN = 0.8
"""Part of what the target leaves for waiting that may be used when replicas are taken away: the rest keeps the answer
from changing with every query."""
WAITING_LEAST = 0.1
"""Part of a target below which waiting does not count: no replica is added for it, as where the model alone takes
longer than the target, which more replicas do not change."""
STEP_LEAST = 1.11
"""Above the target this much is added at least: the HorizontalPodAutoscaler takes no notice of 10 % or less."""
STEP_MOST = 2.0
_P95_OF_WAITING = 3.0
"""The 95th percentile of an exponential distribution over its mean, ln(20): waiting has hardly a longer tail."""

_LATENCY = ("p95_ms", "mean_ms")


@dataclass(frozen=True)
class Seen:
    """What Prometheus has of the pods of a model; see `rates` for the shapes.

    Attributes:
        at: now, in seconds.
        times: when each pod was scraped (pods, scrapes).
        in_flight: requests inside, the scrape included (pods, scrapes).
        queue: requests that wait for the model (pods, scrapes).
        cpu: seconds of CPU (pods, scrapes).
        requests: answered requests that asked the model, by route and status (pods, labels, scrapes).
        took: seconds that they took (pods, routes, scrapes).
        took_buckets: how many took up to each of EDGES_S, then all of them (pods, routes, buckets, scrapes).
        ran: seconds that the model ran (pods, scrapes).
        ran_buckets: how many runs took up to each of EDGES_S, then all of them (pods, buckets, scrapes).
    """

    at: float
    times: Array
    in_flight: Array
    queue: Array
    cpu: Array
    requests: Array
    took: Array
    took_buckets: Array
    ran: Array
    ran_buckets: Array


def threshold(scale: Scale) -> float:
    """Return what one replica gets of `query`: the metric's AverageValue."""
    target = _target(scale)
    return 1.0 if target.signal in _LATENCY else target.value


def estimated(scale: Scale) -> str | None:
    """Say that a p95 target is between the edges of the buckets that it is counted in; None if it is at one."""
    value = scale.target.p95_ms if scale.target else None
    if value is None:
        return None
    edges = [round(edge * 1000, 6) for edge in EDGES_S]
    above = bisect_left(edges, value)
    if value in edges:
        return None
    near = " or ".join(f"{edge:g}" for edge in edges[max(above - 1, 0) : above + 1])
    return f"{value:g} ms is an estimate, since requests are counted in buckets; {near} ms is exact"


def query(scale: Scale, *, namespace: str, model: str, cores: float) -> str:
    """Return the PromQL of one number: what all replicas have together; empty if that is unknown, 0 if nobody asks.

    Args:
        scale: with any target but cpu_percent, which Kubernetes measures itself.
        namespace: where the model's pods are.
        model: its name.
        cores: CPU of one replica.

    Raises:
        ValueError: the target is cpu_percent.
    """
    target = _target(scale)
    if target.signal == "cpu_percent":
        raise ValueError("cpu_percent is no query: the HorizontalPodAutoscaler asks for it itself")
    if target.signal == "gpu_percent":  # of DCGM, which says nothing else of a pod
        return gpus.used(namespace=namespace, model=model, window_s=WINDOW_S)
    return _Promql(f'namespace="{namespace}",model="{model}"', cores).query(target.signal, target.value)


class _Promql:
    """The formulas in PromQL, over the series of one model."""

    def __init__(self, of_model: str, cores: float) -> None:
        self._of_model = of_model
        self.ready = f"count({self._over('last', 'slipway_requests_in_flight')})"
        self.ran = ran = f"sum({self._rate('slipway_inference_seconds_sum')})"
        cpu = f"sum({self._rate('process_cpu_seconds_total')}) / {cores:.12g}"
        self.busy = _most(ran, cpu)
        self.mean_run = f"{ran} / sum({self._rate('slipway_inference_seconds_count')})"
        self.ended = f"sum({self._rate('slipway_request_seconds_count', asked=True)})"
        self.mean = f"sum({self._rate('slipway_request_seconds_sum', asked=True)}) / {self.ended}"

    def query(self, signal: str, value: float) -> str:
        """Return the query of a signal; `value` is its target."""
        if signal == "requests_per_second":
            number = f"sum({self._rate('slipway_requests_total', asked=True)}) or 0 * {self.ready}"
        elif signal == "queue":
            number = f"sum({self._over('avg', 'slipway_queue_depth')})"
        elif signal == "concurrency":
            # Both are by pod: what stayed inside counts where it is more than what was answered says.
            inside = f"sum by (pod) ({self._rate('slipway_request_seconds_sum', asked=True)})"
            number = f"sum(max by (pod) ({_both(inside, f'max by (pod) ({self._stayed()})')}))"
            number += (
                f"\nunless sum({inside}) != sum({inside})"  # max takes no notice of NaN; only NaN differs from itself
            )
        else:
            number = self._wanted(signal, value / 1000)
        # NaN, which a broken server could expose, is no number of at least zero; before the second scrape of the first
        # pod nothing is known of any rate.
        return f"({number}) >= 0\nand {self.ran} >= 0"

    def _wanted(self, signal: str, target_s: float) -> str:
        if signal == "mean_ms":
            latency, own = self.mean, self.mean_run
            waiting = f"{latency} - {own}"
        else:
            latency = _p95(self._rate("slipway_request_seconds_bucket", asked=True))
            own = _p95(self._rate("slipway_inference_seconds_bucket"))
            waiting = _least(f"{latency} - {own}", f"{_P95_OF_WAITING:g} * ({self.mean} - {self.mean_run})")
        by_waiting = f"{latency} - {own} > {WAITING_LEAST * target_s:.12g}"
        above = f"clamp(({latency}) / {target_s:.12g} > 1, {STEP_LEAST:g}, {STEP_MOST:g}) and {by_waiting}"
        allowed = f"clamp_min({MARGIN:g} * ({target_s:.12g} - {own}), {WAITING_LEAST * target_s:.12g})"
        used = f"sqrt(clamp(({waiting}) / {allowed}, 0, 1)) >= 0"
        above = f"{self.ready} * ({above})"
        within = f"{self.busy} + ({used}) * ({self.ready} - {self.busy})"
        wanted = _most(f"{self.busy} / {BUSY_MOST:g}", f"({above}\nor {within}\nor {self.ready})")
        return (
            f"({wanted}\nand {self.ended} > 0 and {latency} >= 0)\n"
            f"or ({self.ready} and max({self._stayed()}) > 0)\n"
            f"or 0 * ({self.ready} unless {self.ended} != 0)"
        )

    def _stayed(self) -> str:
        """Requests that were inside a pod in each of its scrapes, which count themselves."""
        return f"clamp_min({self._over('min', 'slipway_requests_in_flight')} - 1, 0)"

    def _rate(self, name: str, *, asked: bool = False) -> str:
        routes = f',route=~"{ASKED}"' if asked else ""
        return f"rate({name}{{{self._of_model}{routes}}}[{WINDOW_S}s])"

    def _over(self, what: str, name: str) -> str:
        return f"{what}_over_time({name}{{{self._of_model}}}[{WINDOW_S}s])"


def _both(one: str, other: str) -> str:
    """Both results side by side, where `or` alone would drop the second: it has the labels of the first."""
    return f'label_replace({one}, "of", "one", "", "") or {other}'


def _p95(buckets: str) -> str:
    return f"histogram_quantile(0.95, sum by (le) ({buckets}))"


def _most(one: str, other: str) -> str:
    return f"max({_both(one, other)})"


def _least(one: str, other: str) -> str:
    return f"min({_both(one, other)})"


def total(scale: Scale, seen: Seen, *, cores: float) -> float | None:
    """Return what `query` returns of the same samples; None where that is empty.

    With cpu_percent: the sum of what Kubernetes averages, in percent of a replica's CPU. With gpu_percent: at most.
    """
    target = _target(scale)
    load = _Load(seen, cores)
    if load.ran is None or not load.ran >= 0:
        return None
    number = load.total(target.signal, target.value)
    return number if number is not None and number >= 0 else None


class _Load:
    """The formulas in Python, over the samples of one model's pods."""

    def __init__(self, seen: Seen, cores: float) -> None:
        self._seen = seen
        self._cores = cores
        self.ready = int((self._over(rates.least, seen.in_flight) != rates.ABSENT).sum())
        self.ran = rates.total(self._rate(seen.ran))
        self.cpu = (rates.total(self._rate(seen.cpu)) or 0.0) / cores

    def total(self, signal: str, value: float) -> float | None:
        """Return the number of a signal; `value` is its target."""
        seen = self._seen
        if signal == "cpu_percent":
            return 100 * self.cpu
        if signal == "gpu_percent":
            return 100 * min(self.ran or 0.0, float(self.ready))
        if signal == "requests_per_second":
            return rates.total(self._rate(seen.requests)) or 0.0
        if signal == "queue":
            return rates.total(self._over(rates.mean, seen.queue))
        if signal == "concurrency":
            inside = self._rate(seen.took)
            by_pod = np.where(inside == rates.ABSENT, 0.0, inside).sum(-1)
            return float(np.maximum(by_pod, self._stayed()).sum())
        return self._wanted(signal, value / 1000)

    def _wanted(self, signal: str, target_s: float) -> float | None:
        took, took_counts = self._histogram(self._seen.took, self._seen.took_buckets)
        ended = float(took_counts[-1])
        if ended == 0:
            return float(self.ready) if self._stayed().max(initial=0.0) > 0 else 0.0
        ran, ran_counts = self._histogram(self._seen.ran[:, None], self._seen.ran_buckets[:, None])
        runs = float(ran_counts[-1])
        mean, mean_run = took / ended, ran / runs if runs else float("nan")
        if signal == "mean_ms":
            latency, own = mean, mean_run
            waiting = latency - own
        else:
            latency = rates.quantile(0.95, EDGES_S, took_counts)
            own = rates.quantile(0.95, EDGES_S, ran_counts)
            waiting = min(latency - own, _P95_OF_WAITING * (mean - mean_run))
        if not latency >= 0:
            return None
        busy = max(ran, self.cpu)
        allowed = max(MARGIN * (target_s - own), WAITING_LEAST * target_s)
        if latency / target_s > 1 and latency - own > WAITING_LEAST * target_s:
            wanted = self.ready * min(max(latency / target_s, STEP_LEAST), STEP_MOST)
        elif runs:
            wanted = busy + sqrt(min(max(waiting / allowed, 0.0), 1.0)) * (self.ready - busy)
        else:
            wanted = float(self.ready)
        return max(wanted, busy / BUSY_MOST)

    def _histogram(self, seconds: Array, buckets: Array) -> tuple[float, Array]:
        """Return how many seconds, and how many observations up to each bound, were added in a second."""
        counts = self._rate(buckets)
        known = np.where(counts == rates.ABSENT, 0.0, counts)
        return rates.total(self._rate(seconds)) or 0.0, known.reshape(-1, known.shape[-1]).sum(0)

    def _stayed(self) -> Array:
        return np.maximum(self._over(rates.least, self._seen.in_flight) - 1, 0.0)

    def _rate(self, values: Array) -> Array:
        return rates.rate(values, self._seen.times, self._seen.at, WINDOW_S)

    def _over(self, what: Callable[[Array, Array, float, float], Array], values: Array) -> Array:
        return what(values, self._seen.times, self._seen.at, WINDOW_S)


def _target(scale: Scale) -> Target:
    if scale.target is None:
        raise ValueError("a model without a target is not scaled by what is measured")
    return scale.target

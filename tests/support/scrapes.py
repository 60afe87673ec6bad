"""What a Prometheus has of a model's pods, made up, and the same in OpenMetrics's format."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from slipway.autoscaling.rates import ABSENT, Array
from slipway.autoscaling.signals import EDGES_S, Seen

ROUTES = ("/predict", "/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
STATUSES = ("200", "503")
_LABELS = tuple(f'route="{route}",status="{status}"' for route in ROUTES for status in STATUSES)
_BUCKETS = (*(f"{edge:g}" for edge in EDGES_S), "+Inf")
BASE = 1_700_000_000.0
"""Beginning of the time of samples: a Prometheus takes none from 1970."""


def exposition(models: Mapping[str, Seen]) -> str:
    """Return the samples of several models, and of what must not be counted, which differs from all of them."""
    lines = [line for model, seen in models.items() for line in _of_model(model, seen)]
    return "\n".join([*lines, "# EOF", ""])


def _of_model(model: str, seen: Seen) -> Iterator[str]:
    plain = {
        "slipway_requests_in_flight": seen.in_flight,
        "slipway_queue_depth": seen.queue,
        "process_cpu_seconds_total": seen.cpu,
        "slipway_inference_seconds_sum": seen.ran,
        "slipway_inference_seconds_count": seen.ran_buckets[:, -1],
    }
    for pod, times in enumerate(seen.times):
        base = f'namespace="shop",model="{model}",pod="{model}-{pod}"'
        series: list[tuple[str, str, Array]] = [(name, "", values[pod]) for name, values in plain.items()]
        series += [("slipway_requests_total", labels, seen.requests[pod, i]) for i, labels in enumerate(_LABELS)]
        for i, le in enumerate(_BUCKETS):
            series.append(("slipway_inference_seconds_bucket", f'le="{le}"', seen.ran_buckets[pod, i]))
        for i, route in enumerate(ROUTES):
            label = f'route="{route}"'
            series.append(("slipway_request_seconds_sum", label, seen.took[pod, i]))
            series.append(("slipway_request_seconds_count", label, seen.took_buckets[pod, i, -1]))
            for j, le in enumerate(_BUCKETS):
                labels = f'{label},le="{le}"'
                series.append(("slipway_request_seconds_bucket", labels, seen.took_buckets[pod, i, j]))
        # What is no load: scrapes, probes, and calls that were turned away before any route.
        growing = np.where(seen.ran == ABSENT, ABSENT, 1000 * np.arange(times.size))[pod]
        for route in ("/metrics", "/v2/health/ready", "/v2/models/{model}", "unmatched"):
            series.append(("slipway_requests_total", f'route="{route}",status="200"', growing))
            series.append(("slipway_request_seconds_sum", f'route="{route}"', growing))
            series.append(("slipway_request_seconds_count", f'route="{route}"', growing))
            series.append(("slipway_request_seconds_bucket", f'route="{route}",le="+Inf"', growing))
        for name, labels, values in series:
            for at, value in zip(times, values, strict=True):
                if value != ABSENT:
                    number = "NaN" if np.isnan(value) else repr(float(value))
                    yield f"{name}{{{base}{',' if labels else ''}{labels}}} {number} {at:.3f}"


def made_up(random: np.random.Generator) -> Seen:
    """Return samples of a few pods: some begin, restart, end, hang or miss scrapes, some are asked nothing."""
    pods, scrapes = int(random.integers(1, 5)), 8
    at = BASE + 40
    times = at - 1.3 - 5.0 * np.arange(scrapes)[::-1] + random.uniform(-1, 1, (pods, 1))
    times = np.round(times + random.uniform(-0.05, 0.05, (pods, scrapes)), 3)
    runs = random.integers(0, 40, (pods, len(ROUTES), scrapes)) * (random.random((pods, len(ROUTES), 1)) < 0.6)
    buckets, took = _histograms(random, runs)
    ran_buckets, ran = _histograms(random, runs.sum(1))
    # No pod runs the model for more than the time that there is.
    ran *= random.uniform(0, 35) / max(float(ran.max()), 1.0)
    seen = Seen(
        at=at,
        times=times,
        in_flight=(1 + random.integers(0, 6, (pods, scrapes)) * (random.random((pods, 1)) < 0.7)).astype(float),
        queue=random.integers(0, 9, (pods, scrapes)).astype(float),
        cpu=random.uniform(0, 3.5, (pods, scrapes)).cumsum(-1),
        requests=random.integers(0, 30, (pods, len(_LABELS), scrapes)).astype(float).cumsum(-1),
        took=took,
        took_buckets=buckets,
        ran=ran,
        ran_buckets=ran_buckets,
    )
    for pod in range(pods):
        _befall(random, seen, pod)
    return seen


def _histograms(random: np.random.Generator, counts: npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """Return cumulative buckets (..., buckets, scrapes) and sums (..., scrapes) of so many observations a scrape."""
    around = random.integers(0, len(EDGES_S))
    shares = np.exp(-np.abs(np.arange(len(_BUCKETS)) - around) * random.uniform(0.3, 3))
    spread = random.multinomial(counts, shares / shares.sum())
    buckets = np.moveaxis(spread, -1, -2).cumsum(-2).cumsum(-1).astype(float)
    seconds = (spread @ np.array([*EDGES_S, 40.0])).cumsum(-1) * random.uniform(0.6, 1)
    return buckets, seconds


def _befall(random: np.random.Generator, seen: Seen, pod: int) -> None:
    families = [seen.in_flight, seen.queue, seen.cpu, seen.requests, seen.took, seen.took_buckets]
    families += [seen.ran, seen.ran_buckets]
    counters = families[2:]
    scrapes = seen.times.shape[1]
    cut = int(random.integers(1, scrapes))
    what = random.choice(["nothing", "begins", "ends", "restarts", "misses", "route", "loads"])
    for family in families:
        if what == "ends":
            family[pod, ..., cut:] = ABSENT
        elif what == "misses":
            family[pod, ..., cut] = ABSENT
        elif what == "loads":
            family[pod] = ABSENT
    for family in counters:
        if what in ("begins", "restarts"):
            # From zero: where a counter that begins within the window has more, Prometheus 2 and 3 disagree.
            family[pod, ..., cut:] -= family[pod, ..., cut : cut + 1]
    if what == "begins":
        for family in families:
            family[pod, ..., :cut] = ABSENT
    if what == "route":
        for family in (seen.took, seen.took_buckets):
            family[pod, 0] = ABSENT

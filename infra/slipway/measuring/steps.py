"""Measure a model under one pair of limits: start, memory, the most that it manages, and times of requests below."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.measuring import usage
from slipway.measuring.findings import Point, Step
from slipway.measuring.knee import knee
from slipway.measuring.load import Load, closed_loop, http_request, open_loop
from slipway.measuring.server import Launcher, Live, StartFailed, local_config, ready_event, wait_until_ready
from slipway.values.aliases import Tell
from slipway.values.quantities import format_bytes, format_cpu

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)
SHARES = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
"""Of what is managed at most: rates that are sent steadily."""
ROWS = (1, 4, 16, 64)
_GAIN = 1.05
_WITHOUT_GAIN = 2
"""So many times in a row twice the connections bring less than that much more, and it was the most."""
_WARM_S = 0.5
_ROWS_CONNECTIONS = 64


class NotAnswered(Exception):
    """A server that was ready did not answer the golden request with 200."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How the golden request is sent, and how it is known that the server is ready.

    Attributes:
        path: that it is posted to.
        body: as bytes.
        ready_path: answers 200 once the server is ready.
        timeout_s: a request without an answer after so long is lost.
        start_s: the server has to be ready after so long.
        seconds: of each piece of load.
        within_ms: what the p95 may be; None: any.
    """

    path: str
    body: bytes
    ready_path: str
    timeout_s: float
    start_s: float
    seconds: float
    within_ms: float | None


def duration_s(seconds: float) -> float:
    """Return how long a step takes at most, its start left out."""
    return _WARM_S + seconds * (len(CONNECTIONS) / 2 + len(SHARES))


def measure(launcher: Launcher, config: Mapping[str, Any], cpu: int, memory: int, asked: Asked, tell: Tell) -> Step:
    """Measure under one pair of limits; what keeps the server from serving is a finding, too."""
    local = local_config(config)
    try:
        with launcher.start(local, cpu, memory) as live:
            tell("starting")
            startup_s = wait_until_ready(live, asked.ready_path, asked.start_s)
            try:
                return _measured(live, Step(cpu=cpu, memory=memory, startup_s=startup_s), asked, tell)
            except OSError as error:
                raise StartFailed(live.ended() or f"it takes no connection any more: {error.strerror}") from error
    except (StartFailed, NotAnswered) as error:
        tell(f"does not serve: {error}")
        return Step(cpu=cpu, memory=memory, failed=str(error))


def measure_rows(
    launcher: Launcher, config: Mapping[str, Any], step: Step, asked: Asked, tell: Tell
) -> dict[int, float]:
    """Return requests a second at most, by how many rows may share a run; empty where rows do not share any."""
    found = {}
    for rows in ROWS if step.shared else ():
        changed = dict(config) | {"batch": {**config.get("batch", {}), "max_size": rows}}
        with launcher.start(changed | local_config(changed), step.cpu, step.memory) as live:
            wait_until_ready(live, asked.ready_path, asked.start_s)
            request = http_request(live.port, asked.path, asked.body)
            closed_loop(live.port, request, _ROWS_CONNECTIONS, _WARM_S)
            found[rows] = round(closed_loop(live.port, request, _ROWS_CONNECTIONS, asked.seconds).answered, 1)
        tell(f"{rows} rows in a run: {found[rows]:.0f} requests a second at most")
    return found


def _measured(live: Live, step: Step, asked: Asked, tell: Tell) -> Step:
    request = http_request(live.port, asked.path, asked.body)
    idle = usage.resident(live.pid)
    shared = ready_event(live.log()).get("batching")
    first = closed_loop(live.port, request, 1, _WARM_S)
    if first.lost or not first.latencies_s.size:
        # What it sends first may take longer than the time to get warm.
        first = closed_loop(live.port, request, 1, max(asked.timeout_s, _WARM_S))
        if first.lost or not first.latencies_s.size:
            raise NotAnswered(live.ended() or f"it does not answer the golden request with 200 at {asked.path}")
    alone = closed_loop(live.port, request, 1, asked.seconds / 2)
    tell(f"ready after {step.startup_s:.1f} s; alone, a request takes {alone.percentile_ms(0.5):.1f} ms")
    most = _most(live, request, alone, asked, tell)
    points = []
    for share in SHARES:
        point = _point(live, request, round(share * most, 3), asked)
        points.append(point)
        shown = "no answer" if point.p95_ms is None else f"p95 {point.p95_ms:.1f} ms"
        tell(f"{point.rate:.0f} requests a second: {shown}{'' if point.steady else ', and it falls behind'}")
        if not point.steady:
            break  # it would fall behind further
    if (reason := live.ended()) is not None:
        raise StartFailed(f"under load {reason}")
    return step.model_copy(
        update={
            "idle_bytes": idle,
            "peak_bytes": usage.peak_resident(live.pid),
            "alone_ms": round(alone.percentile_ms(0.5), 3),
            "most": round(most, 1),
            "points": tuple(points),
            "knee": knee(points, asked.within_ms),
            "shared": shared if isinstance(shared, bool) else None,
            "startup_s": round(step.startup_s or 0, 3),
        }
    )


def _most(live: Live, request: bytes, alone: Load, asked: Asked, tell: Tell) -> float:
    """Return the requests a second that are answered when there is always one more to answer."""
    best, without_gain = alone.answered, 0
    for connections in CONNECTIONS[1:]:
        load = closed_loop(live.port, request, connections, asked.seconds / 2)
        tell(f"{connections} connections that never wait: {load.answered:.0f} requests a second")
        if load.lost:
            break
        without_gain = without_gain + 1 if load.answered < _GAIN * best else 0
        best = max(best, load.answered)
        if without_gain == _WITHOUT_GAIN:
            break
    return best


def _point(live: Live, request: bytes, rate: float, asked: Asked) -> Point:
    used, everything = usage.cpu_s(live.pid), usage.machine_cpu_s()
    load = open_loop(live.port, request, rate, asked.seconds, asked.timeout_s)
    used, everything = max(0.0, usage.cpu_s(live.pid) - used), usage.machine_cpu_s() - everything
    cores, others = used / load.seconds, max(0.0, (everything - used) / load.seconds - load.client_cores)
    answers = bool(load.latencies_s.size)
    return Point(
        rate=rate,
        answered=round(load.answered, 1),
        mean_ms=round(load.mean_ms, 3) if answers else None,
        p50_ms=round(load.percentile_ms(0.5), 3) if answers else None,
        p95_ms=round(load.percentile_ms(0.95), 3) if answers else None,
        p99_ms=round(load.percentile_ms(0.99), 3) if answers else None,
        lost=load.lost,
        cores=round(cores, 3),
        client_cores=round(load.client_cores, 3),
        other_cores=round(others, 3),
        steady=not load.early,
    )


def label(cpu: int, memory: int) -> str:
    """`250m 256Mi`: a pair of limits, as a spec writes them."""
    return f"{format_cpu(cpu)} {format_bytes(memory)}"

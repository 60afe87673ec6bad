"""Send calls at one rate without a rollout, then while a release is judged on copies of them."""

import json
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slipway.values import names
from tests.bench.tables import table
from tests.support import pod_processes
from tests.support.behind_gateway import Way, envoys, factor, way_in, with_gateway
from tests.support.looking import until
from tests.support.monitoring import with_monitoring
from tests.support.open_loop import OpenLoop, percentile
from tests.support.workbench import Workbench

MODEL = "sums"
RATE = 100
SHADOW = "10%"
_TIMEOUT_S = 10.0
_WARM_UP_S = 3.0
_BEGUN_S = 300.0
_ROLLOUT = {"strategy": "canary", "shadow": SHADOW, "hold": "1h", "deadline": "2h", "judge": {"agreement": 0.99}}
"""It stays in its first step, in which no client gets an answer of the new release."""


@dataclass(frozen=True)
class Figure:
    """One way: right answers per second, latencies in ms, CPU ms per call by part, lost calls."""

    way: str
    answers_per_s: float
    p50_ms: float
    p95_ms: float
    cpu_ms: dict[str, float]
    lost: int


def run(*, quick: bool, say: Callable[[str], None]) -> str:
    """Bring an environment up on the local cluster, measure in it, discard it; returns the table."""
    seconds = 10.0 if quick else 60.0
    with tempfile.TemporaryDirectory(prefix="judging-") as folder:
        bench = Workbench(Path(folder) / "repo", f"b{uuid.uuid4().hex[:8]}")
        try:
            say("an environment with a gateway and a model")
            with_gateway(bench, 1)
            with_monitoring(bench)
            _write(bench, "1.0.0")
            bench.well("up", bench.environment, "--yes")
            way = way_in(bench, MODEL)
            figures = [_figure(bench, way, "no rollout", seconds)]
            say(f"a rollout, of which a step replays {SHADOW} of the calls")
            _write(bench, "1.1.0")
            judged = bench.start("up", bench.environment, "--yes")
            try:
                with OpenLoop(way.to(MODEL), RATE // 4, _TIMEOUT_S, way.authority):
                    until("a release is judged", lambda: _phase(bench) == "judging", _BEGUN_S)
                figures.append(_figure(bench, way, f"{SHADOW} of the calls replayed", seconds))
                _replay_all(bench)
                figures.append(_figure(bench, way, "all calls replayed", seconds))
            finally:
                judged.kill()
                judged.communicate()
        finally:
            bench.discard()
    return of(figures)


def of(figures: list[Figure]) -> str:
    """The tables: latencies with their ratio to those without a rollout, and CPU by part."""
    without = figures[0]
    parts = list(dict.fromkeys(name for figure in figures for name in figure.cpu_ms))
    rows = [
        [
            figure.way,
            f"{figure.answers_per_s:.0f}",
            f"{figure.p50_ms:.2f}",
            f"{figure.p95_ms:.2f}",
            f"{figure.p95_ms / without.p95_ms:.2f}",
            str(figure.lost),
        ]
        for figure in figures
    ]
    cpu = [
        [
            figure.way,
            *(f"{figure.cpu_ms[name]:.2f}" if name in figure.cpu_ms else "-" for name in parts),
            f"{sum(figure.cpu_ms.values()):.2f}",
        ]
        for figure in figures
    ]
    return "\n\n".join(
        [
            table([f"{RATE} calls/s", "answers/s", "p50 ms", "p95 ms", "times that without", "lost"], rows),
            "CPU ms a call, by who used them:",
            table(["", *parts, "together"], cpu),
        ]
    )


def _write(bench: Workbench, version: str) -> None:
    bench.write(MODEL, 2.0, version=version, endpoint={"public": True}, rollout={"drain": "5s", **_ROLLOUT})


def _phase(bench: Workbench) -> str:
    there = bench.cluster.read("ConfigMap", names.rollout(MODEL))
    state = ((there or {}).get("data") or {}).get("state.json")
    return str(json.loads(state)["phase"]) if state else ""


def _replay_all(bench: Workbench) -> None:
    """Take the share off the mirror: Envoy then copies each call."""
    route = bench.cluster.read("HTTPRoute", MODEL)
    assert route is not None
    mirrors = [
        one["requestMirror"] for rule in route["spec"]["rules"] for one in rule["filters"] if "requestMirror" in one
    ]
    if not mirrors:
        raise RuntimeError(f"HTTPRoute {MODEL} mirrors no calls, though a rollout is under way")
    for mirror in mirrors:
        mirror.pop("fraction", None)
        mirror["percent"] = 100
    bench.cluster.replace(route)
    time.sleep(5)  # until Envoy has it, which nothing tells


def _figure(bench: Workbench, way: Way, name: str, seconds: float) -> Figure:
    with OpenLoop(way.to(MODEL), RATE, _TIMEOUT_S, way.authority, duration_s=_WARM_UP_S):
        pass
    before = _cpu_s(bench)
    with OpenLoop(way.to(MODEL), RATE, _TIMEOUT_S, way.authority, duration_s=seconds) as load:
        pass
    used = {part: total - before.get(part, 0.0) for part, total in _cpu_s(bench).items()}
    count = len(load.answers)
    lost = len(load.lost(lambda answer: factor(answer) == 2.0))
    took_s = load.answers[-1].sent_at - load.answers[0].sent_at
    return Figure(
        way=name,
        answers_per_s=(count - lost) / took_s,
        p50_ms=1e3 * percentile(load.answers, 0.5),
        p95_ms=1e3 * percentile(load.answers, 0.95),
        cpu_ms={part: 1e3 * total / count for part, total in used.items()},
        lost=lost,
    )


def _cpu_s(bench: Workbench) -> dict[str, float]:
    """CPU seconds used so far: by Envoy, and by the pods of the releases and of the judge as far as they are there."""
    cluster, selector = envoys(bench)
    selectors = {
        "old release": f"app.kubernetes.io/name={MODEL}",
        "new release": f"app.kubernetes.io/name={names.candidate(MODEL)}",
        "judge": ",".join(f"{key}={value}" for key, value in names.judge_selector(MODEL).items()),
    }
    there = {part: bench.cluster.list("Pod", chosen) for part, chosen in selectors.items()}
    parts = {"Envoy": cluster.list("Pod", selector), **there}
    return {part: pod_processes.cpu_s(pods) for part, pods in parts.items() if pods}

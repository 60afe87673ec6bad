"""Roll a new release out under load, judged, and back again, over and over: nothing may be lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway.deploy.record import live_models
from tests.support.behind_gateway import Way
from tests.support.canaries import JUDGED, is_right, requests
from tests.support.open_loop import OpenLoop
from tests.support.workbench import Workbench

RATE = 20
TIMEOUT_S = 5.0
SHAPE: dict[str, Any] = {
    "resources": {"cpu": "150m", "memory": "192Mi"},
    "endpoint": {"public": True, "timeout": f"{TIMEOUT_S:g}s"},
    "rollout": {
        **{key: value for key, value in JUDGED.items() if key != "steps"},
        "strategy": "blue-green",
    },
}
"""The new release gets all calls at once after the shadow step."""


@dataclass(frozen=True)
class Round:
    """One rollout and one rollback. `faults`: what a client lost, and what did not end as it should."""

    number: int
    answered: int
    faults: tuple[str, ...]


def rounds(bench: Workbench, way: Way, model: str, count: int) -> Iterator[Round]:
    """Play rounds on a model that serves its version 1.0.0."""
    for number in range(count):
        version = f"2.{number}.0"
        bench.write(model, version=version, **SHAPE)
        with OpenLoop(requests(way, model), RATE, TIMEOUT_S, way.authority) as load:
            out = bench.run("up", bench.environment, "--yes", model, limit_s=400)
            faults = [*_ended(bench, out.returncode, model, version, out.stderr)]
            back = bench.run("rollback", bench.environment, model, "--yes")
            faults += _ended(bench, back.returncode, model, "1.0.0", back.stderr)
        yield Round(number, len(load.answers), (*faults, *load.lost(is_right)))


def _ended(bench: Workbench, code: int, model: str, version: str, said: str) -> Iterator[str]:
    if code != 0:
        yield f"exit code {code}: {said[-2000:]}"
    serves = live_models(bench.cluster)[model].version
    if serves != version:
        yield f"{serves} serves instead of {version}"

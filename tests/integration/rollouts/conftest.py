"""One environment for all tests of judged rollouts: a gateway, metrics, and models behind it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.behind_gateway import Way, way_in, with_gateway
from tests.support.canaries import JUDGED
from tests.support.monitoring import with_monitoring
from tests.support.workbench import Workbench

TIMEOUT_S = 5.0
MODELS = ("sums", "wrong", "slow", "failing")
SHAPE: dict[str, Any] = {
    "resources": {"cpu": "150m", "memory": "192Mi"},
    "endpoint": {"public": True, "timeout": f"{TIMEOUT_S:g}s"},
    "rollout": JUDGED,
}


@pytest.fixture(scope="package")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("rollouts") / "repo", f"t{os.urandom(4).hex()}")
    with_gateway(workbench, replicas=1)
    with_monitoring(workbench)
    for name in MODELS:
        workbench.write(name, **SHAPE)
    try:
        up = workbench.up()
        assert up.returncode == 0, up.stdout + up.stderr
        yield workbench
    finally:
        workbench.discard()


@pytest.fixture(scope="package")
def way(bench: Workbench) -> Way:
    return way_in(bench, *MODELS)

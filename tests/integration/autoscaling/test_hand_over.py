"""Replicas pass from one writer to the next on the real API server, with the real KEDA, while clients ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from slipway.cluster.autoscalers import HPA, SCALED_OBJECT, of_keda
from slipway.deploy.hand_over import MANAGER
from tests.support.looking import looking
from tests.support.monitoring import ADDRESS
from tests.support.workbench import Load, Workbench

pytestmark = pytest.mark.integration

FIXED = {"min": 2, "max": 2}
BY_CPU = {"min": 2, "max": 4, "target": {"cpu_percent": 100}}
BY_KEDA = {"min": 2, "max": 4, "target": {"concurrency": 1000}}
WRITERS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "fixed": (FIXED, set()),
    HPA: (BY_CPU, {HPA}),
    SCALED_OBJECT: (BY_KEDA, {HPA, SCALED_OBJECT}),
}
EVERY_TURN = ["fixed", HPA, SCALED_OBJECT, "fixed", SCALED_OBJECT, HPA, "fixed"]
"""Each of the six ways once."""


@dataclass
class Seen:
    """Every number of replicas that a model had, and moments with two writers of it."""

    replicas: set[int] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)


@contextmanager
def watched(bench: Workbench) -> Iterator[Seen]:
    """Look at a model's replicas and their writers ten times a second."""
    seen = Seen()

    def look() -> None:
        deployment = bench.cluster.read("Deployment", "sums")
        autoscaler, scaled = bench.cluster.read(HPA, "sums"), bench.cluster.read(SCALED_OBJECT, "sums")
        if deployment is not None:
            seen.replicas.add(deployment["spec"]["replicas"])
        if autoscaler is not None and scaled is not None and not of_keda(autoscaler):
            seen.twice.append(autoscaler["metadata"]["uid"])

    with looking(look, every_s=0.1):
        yield seen


def write(bench: Workbench, scale: dict[str, Any], version: int, **changes: Any) -> None:
    bench.write("sums", version=f"1.{version}.0", resources={"cpu": "50m", "memory": "256Mi"}, scale=scale, **changes)


def writers(bench: Workbench) -> set[str]:
    return {kind for kind in (HPA, SCALED_OBJECT) if bench.cluster.read(kind, "sums") is not None}


def managers(bench: Workbench) -> set[str]:
    """Who owns the number of replicas."""
    deployment = bench.cluster.read("Deployment", "sums")
    assert deployment is not None
    fields = deployment["metadata"]["managedFields"]
    return {one["manager"] for one in fields if "f:replicas" in one["fieldsV1"].get("f:spec", {})}


@pytest.fixture
def unmeasured(bench: Workbench) -> Workbench:
    """An environment whose Prometheus nobody runs: what KEDA scales stays as it is, whatever the load."""
    bench.write_settings(monitoring={"prometheus": ADDRESS.replace("-operated", "-absent"), "discovery": "manual"})
    return bench


def test_replicas_pass_from_every_writer_to_every_other_without_a_lost_request(unmeasured: Workbench) -> None:
    write(unmeasured, FIXED, 0)
    up = unmeasured.up()
    assert up.returncode == 0, up.stderr
    with Load(unmeasured.port("sums")) as load, watched(unmeasured) as seen:
        for number, name in enumerate(EVERY_TURN[1:], start=1):
            scale, expected = WRITERS[name]
            write(unmeasured, scale, number)
            up = unmeasured.up()
            assert up.returncode == 0, up.stderr
            assert writers(unmeasured) >= expected - {HPA}
    assert load.lost == []
    assert sum(load.answers.values()) > 0
    assert seen.replicas == {2}
    assert seen.twice == []
    assert writers(unmeasured) == set()
    assert MANAGER not in managers(unmeasured)


def test_a_wrong_release_with_another_writer_is_taken_back_with_its_own(unmeasured: Workbench) -> None:
    write(unmeasured, BY_KEDA, 0)
    assert unmeasured.up().returncode == 0
    write(unmeasured, FIXED, 1, expect=17.0)
    up = unmeasured.up()
    assert up.returncode == 2
    assert "1.0.0 serves again" in up.stderr
    assert writers(unmeasured) >= {SCALED_OBJECT}
    unmeasured.down()

"""Calls and commands meet a model that sleeps, with the real KEDA and keys service: each ends as with any other."""

import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from slipway.cluster.api import Cluster
from tests.support.behind_gateway import factor, way_in, with_gateway
from tests.support.looking import until
from tests.support.monitoring import with_monitoring
from tests.support.open_loop import OpenLoop
from tests.support.workbench import Workbench

pytestmark = [pytest.mark.integration, pytest.mark.serial]

_LIMIT_S = 180.0


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """An environment with a gateway, and a public model `sums` that sleeps after ten seconds without a request."""
    bench = Workbench(tmp_path_factory.mktemp("bench") / "repo", f"t{uuid.uuid4().hex[:8]}")
    with_gateway(bench, 1)
    with_monitoring(bench)
    write(bench, 0)
    try:
        up = bench.up()
        assert up.returncode == 0, up.stderr
        yield bench
    finally:
        bench.discard()


@pytest.fixture
def asleep(environment: Workbench) -> Workbench:
    """The environment once its model sleeps."""
    until("the model sleeps", lambda: replicas(environment) == 0, _LIMIT_S)
    return environment


def write(bench: Workbench, number: int, factor: float = 2.0, expect: float | None = None) -> None:
    bench.write(
        "sums",
        factor,
        expect=expect,
        version=f"1.{number}.0",
        resources={"cpu": "100m", "memory": "256Mi"},
        scale={"min": 1, "max": 2, "target": {"concurrency": 4}, "to_zero": {"after": "10s"}},
        endpoint={"public": True},
    )


def replicas(bench: Workbench) -> int:
    deployment = bench.cluster.read("Deployment", "sums")
    assert deployment is not None
    return int(deployment["spec"]["replicas"])


def row(bench: Workbench) -> dict[str, Any]:
    (found,) = json.loads(bench.well("status", bench.environment, "--json"))["models"]
    return dict(found)


@contextmanager
def without_keda() -> Iterator[None]:
    """Stop KEDA's operator, and have it again when the block ends."""
    cluster = Cluster("slipway-local", "keda")
    path = cluster.url("Deployment", "keda-operator")

    def run(count: int) -> None:
        body = {"spec": {"replicas": count}}
        cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")
        wanted = {"replicas": count, "readyReplicas": count} if count else {"replicas": 0, "readyReplicas": 0}

        def there() -> bool:
            status = (cluster.read("Deployment", "keda-operator") or {}).get("status", {})
            return {key: status.get(key, 0) for key in wanted} == wanted

        until(f"{count} operators run", there, _LIMIT_S)

    run(0)
    try:
        yield
    finally:
        run(1)


def test_calls_wait_for_one_start_and_are_all_answered(asleep: Workbench) -> None:
    way = way_in(asleep, "sums")
    with OpenLoop(way.to("sums"), 50, 60, way.authority, duration_s=1) as load:
        pass
    assert len(load.answers) == 50
    assert load.lost(lambda answer: factor(answer) == 2.0) == []
    assert len(asleep.cluster.list("Pod", "app.kubernetes.io/name=sums")) == 1, "one start"


def test_status_and_verify_say_that_it_sleeps_and_leave_it_asleep(asleep: Workbench) -> None:
    found = row(asleep)
    assert (found["asleep"], found["state"], found["scaling"]["min"]) == (True, "sleeps", 0)
    assert "asleep, not asked" in asleep.well("verify", asleep.environment, "--no-wake")
    assert replicas(asleep) == 0


def test_verify_wakes_it_and_it_sleeps_again(asleep: Workbench) -> None:
    assert "right" in asleep.well("verify", asleep.environment)
    assert replicas(asleep) == 1
    until("the model sleeps again", lambda: replicas(asleep) == 0, _LIMIT_S)


def test_an_up_that_changes_nothing_wakes_nothing(asleep: Workbench) -> None:
    up = asleep.up()
    assert up.returncode == 0, up.stderr
    assert "0 of 1 models to deploy" in up.stderr
    assert replicas(asleep) == 0


def test_a_wrong_release_is_taken_back_and_a_right_one_is_recorded(asleep: Workbench) -> None:
    write(asleep, 1, expect=17.0)
    up = asleep.up()
    assert up.returncode == 2, up.stderr
    assert "1.0.0 serves again" in up.stderr
    until("the model sleeps again", lambda: replicas(asleep) == 0, _LIMIT_S)
    write(asleep, 2, 3.0)
    up = asleep.up()
    assert up.returncode == 0, up.stderr
    until("the model sleeps again", lambda: replicas(asleep) == 0, _LIMIT_S)
    found = row(asleep)
    assert (found["version"], found["state"]) == ("1.2.0", "sleeps")


def test_killed_while_it_is_awake_it_sleeps_again_and_the_next_up_goes_on(asleep: Workbench) -> None:
    write(asleep, 3, 4.0)
    process = asleep.start("up", asleep.environment, "--yes")
    until("it is woken", lambda: replicas(asleep) > 0, _LIMIT_S)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until("the model sleeps again", lambda: replicas(asleep) == 0, _LIMIT_S)
    up = asleep.up()
    assert up.returncode == 0, up.stderr
    assert row(asleep)["version"] == "1.3.0"


def test_without_keda_an_up_ends_in_words_and_changes_nothing(asleep: Workbench) -> None:
    before = row(asleep)["release"]
    write(asleep, 4, 5.0)
    with without_keda():
        started = time.monotonic()
        up = asleep.up()
        assert up.returncode == 2, up.stderr
        assert "sleeps and was not woken within 60 s" in up.stderr
        assert time.monotonic() - started < 150
        assert row(asleep)["release"] == before
        down = asleep.run("down", asleep.environment, "--yes")
        assert down.returncode == 2, down.stderr
        assert "KEDA's operator takes off" in down.stderr
    asleep.down()

"""A model with a server of its own is deployed, judged in its own pods, and restored when it answers wrongly."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.deploy.record import saved
from slipway.errors.failures import WrongAnswer
from slipway.plan.model import ModelPlan
from slipway.planner.environment import released
from slipway.values.names import RELEASE_LABEL
from tests.support.deploy_bench import IMAGE, Bench, live
from tests.support.planned import own_plan

COPIED = own_plan("open").find("copied", Path())


def release(number: int) -> ModelPlan:
    image = replace(COPIED.image, repository=IMAGE.partition("@")[0])
    return released(replace(COPIED, image=image), hashlib.sha256(str(number).encode()).hexdigest())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_first_release_is_asked_in_its_pod_and_recorded_with_where_it_is_asked(bench: Bench) -> None:
    one = release(1)
    (done,) = bench.up(one)
    assert done.error is None, done.error
    assert done.verdict is not None
    assert (done.verdict.release, done.verdict.outputs) == (one.release_digest, {"label": 7})
    record = saved(bench.cluster, "copied")
    assert record is not None
    assert record.check.asked == one.check.asked
    assert bench.cluster.asked_pods[0][1:] == (8080, "/predict")


def test_a_release_that_answers_wrongly_gives_way_to_the_one_before_which_is_asked_again(bench: Bench) -> None:
    one, two = release(1), release(2)
    bench.well(one)
    bench.behave(two, label=3)
    (done,) = bench.up(two)
    assert isinstance(done.error, WrongAnswer)
    assert "output `label` is 3, expected 7" in str(done.error)
    there = live(bench, "copied")
    assert there is not None
    assert there.release == there.verified == one.release
    assert bench.cluster.faults == []


def test_a_release_that_is_never_ready_is_never_asked(bench: Bench) -> None:
    bench.well(release(1))
    asked = len(bench.cluster.asked_pods)
    bench.behave(release(2), how="waits")
    (done,) = bench.up(release(2))
    assert done.error is not None
    there = live(bench, "copied")
    assert there is not None
    assert there.release == release(1).release
    of = {
        bench.cluster.objects["Pod", pod]["metadata"]["labels"][RELEASE_LABEL]
        for pod, *_ in bench.cluster.asked_pods[asked:]
    }
    assert of <= {release(1).release}

"""Replicas pass from one writer to the next: the number is right at every moment, and never has two writers."""

from dataclasses import replace
from typing import Any

import pytest

from slipway.cluster.autoscalers import FINALIZER, HPA, SCALED_OBJECT
from slipway.deploy.down import remove_models
from slipway.deploy.hand_over import HandOver, ScalerStays, writer_of
from slipway.deploy.watcher import Watcher
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.spec.scale import Scale
from tests.support.deploy_bench import IMAGE, Bench, live, planned
from tests.support.fake_engine import FakeProgram, refused
from tests.support.replica_owners import ENGINE, SCALERS, owners
from tests.support.scaled_cluster import ScaledCluster

Json = dict[str, Any]

FIXED = {"min": 4, "max": 4}
BY_CPU = {"min": 2, "max": 8, "target": {"cpu_percent": 70}}


def scaled(number: int, scale: Json) -> ModelPlan:
    """A release of `digits` with such replicas."""
    model = planned(number)
    return replace(model, spec=model.spec.model_copy(update={"scale": Scale.model_validate(scale)}))


def by_keda(manifests: list[Json], least: int = 2, most: int = 8, **spec: Any) -> list[Json]:
    """A release whose replicas KEDA sets."""
    kept = [item for item in manifests if item["kind"] != HPA]
    deployment = next(item for item in kept if item["kind"] == "Deployment")
    deployment["spec"].pop("replicas", None)
    metadata = {key: deployment["metadata"][key] for key in ("name", "namespace", "labels")}
    counts = {"minReplicaCount": least, "maxReplicaCount": most, "cooldownPeriod": 60}
    return [
        *kept,
        {"apiVersion": "keda.sh/v1alpha1", "kind": SCALED_OBJECT, "metadata": metadata, "spec": counts | spec},
    ]


@pytest.fixture
def bench() -> Bench:
    return Bench(ScaledCluster())


@pytest.fixture
def cluster(bench: Bench) -> ScaledCluster:
    assert isinstance(bench.cluster, ScaledCluster)
    return bench.cluster


def hand_over(bench: Bench) -> HandOver:
    watcher = Watcher(bench.cluster, bench._pause, bench.cluster.clock)
    return HandOver(bench.cluster, "local", watcher)


def apply(bench: Bench, manifests: list[Json]) -> bool:
    """What the deployer does with a release, without judging it."""
    handing = hand_over(bench)
    handed = handing.prepare("digits", manifests, lambda _: None)
    bench.engine.up("local.digits", FakeProgram(manifests), lambda _: None, new=False, refresh=handed)
    if handed:
        handing.conclude("digits")
    bench.pass_s(30)
    return handed


def releases() -> dict[str, list[Json]]:
    return {
        "fixed": render_model(scaled(1, FIXED), IMAGE),
        HPA: render_model(scaled(2, BY_CPU), IMAGE),
        SCALED_OBJECT: by_keda(render_model(scaled(3, BY_CPU), IMAGE)),
    }


def scalers(cluster: ScaledCluster) -> set[str]:
    return {kind for kind, _ in cluster.objects} & {HPA, SCALED_OBJECT}


def test_from_fixed_replicas_to_an_autoscaler_none_stops(bench: Bench, cluster: ScaledCluster) -> None:
    bench.well(scaled(1, FIXED))
    bench.pass_s(20)
    cluster.seen.clear()
    cluster.least_ready["digits"] = 99
    cluster.loads["digits"] = 4
    bench.well(scaled(2, BY_CPU))
    bench.pass_s(30)
    assert cluster.seen["digits"] == [4]
    assert cluster.least_ready["digits"] >= 4
    cluster.loads["digits"] = 6
    bench.pass_s(30)
    assert live(bench).ready == 6
    assert owners(cluster.objects["Deployment", "digits"]) == {SCALERS}


def test_without_it_all_but_one_would_stop(cluster: ScaledCluster) -> None:
    """What the API server does to a field that its only owner no longer names."""
    found = releases()
    for manifest in (*found["fixed"], *found[HPA]):
        cluster.put(manifest)
    assert cluster.objects["Deployment", "digits"]["spec"]["replicas"] == 1


def test_from_an_autoscaler_to_fixed_replicas_the_engine_is_not_refused(bench: Bench, cluster: ScaledCluster) -> None:
    bench.well(scaled(1, BY_CPU))
    cluster.loads["digits"] = 6
    bench.pass_s(30)
    bench.well(scaled(2, FIXED))
    assert scalers(cluster) == set()
    bench.pass_s(30)
    assert live(bench).ready == 4
    assert owners(cluster.objects["Deployment", "digits"]) == {ENGINE}
    bench.well(scaled(3, {"min": 5, "max": 5}))
    assert live(bench).ready == 5
    assert cluster.faults == []


def test_replicas_that_somebody_scaled_by_hand_are_put_right(bench: Bench, cluster: ScaledCluster) -> None:
    bench.well(scaled(1, FIXED))
    cluster.scale("digits", 1)
    bench.well(scaled(2, FIXED))
    assert live(bench).ready == 4


@pytest.mark.parametrize("before", ["fixed", HPA, SCALED_OBJECT])
@pytest.mark.parametrize("after", ["fixed", HPA, SCALED_OBJECT])
def test_every_writer_follows_every_other(bench: Bench, cluster: ScaledCluster, before: str, after: str) -> None:
    found = releases()
    cluster.loads["digits"] = 4
    apply(bench, found[before])
    cluster.least_ready["digits"] = 99
    cluster.seen.clear()
    assert apply(bench, found[after]) is (before != after)
    assert cluster.seen["digits"] == [4]
    assert cluster.least_ready["digits"] >= 4
    assert cluster.faults == []
    assert scalers(cluster) == {"fixed": set(), HPA: {HPA}, SCALED_OBJECT: {HPA, SCALED_OBJECT}}[after]


def test_a_number_outside_of_the_bounds_of_the_next_writer_is_brought_into_them(
    bench: Bench, cluster: ScaledCluster
) -> None:
    apply(bench, render_model(scaled(1, {"min": 1, "max": 1}), IMAGE))
    cluster.seen.clear()
    apply(bench, by_keda(render_model(scaled(2, BY_CPU), IMAGE)))
    assert cluster.seen["digits"] == [2]


def test_what_sleeps_gets_its_replicas_back_when_nothing_may_sleep_any_more(
    bench: Bench, cluster: ScaledCluster
) -> None:
    apply(bench, by_keda(render_model(scaled(1, BY_CPU), IMAGE), idleReplicaCount=0))
    bench.pass_s(90)
    assert live(bench).wanted == 0
    for after in (render_model(scaled(2, BY_CPU), IMAGE), render_model(scaled(3, FIXED), IMAGE)):
        apply(bench, by_keda(render_model(scaled(1, BY_CPU), IMAGE), idleReplicaCount=0))
        bench.pass_s(90)
        cluster.seen.clear()
        apply(bench, after)
        assert cluster.seen["digits"] == [0, writer_of(after).least]


def test_a_scaled_object_that_keda_does_not_let_go_of_ends_the_run_in_words(
    bench: Bench, cluster: ScaledCluster
) -> None:
    apply(bench, releases()[SCALED_OBJECT])
    cluster.keda_runs = False
    started = cluster.now
    with pytest.raises(ScalerStays) as error:
        hand_over(bench).prepare("digits", releases()[HPA], lambda _: None)
    assert cluster.now - started < 70
    assert f"ScaledObject digits waits for {FINALIZER}, which KEDA's operator takes off" in str(error.value)
    assert "kubectl -n slipway patch scaledobject digits --type merge" in str(error.value)
    assert live(bench).ready == 2


def test_a_scaler_of_somebody_else_is_left_alone(bench: Bench, cluster: ScaledCluster) -> None:
    apply(bench, releases()["fixed"])
    spec = {"minReplicas": 1, "maxReplicas": 2}
    cluster._put({"kind": HPA, "metadata": {"name": "digits", "labels": {}}, "spec": spec})
    assert not hand_over(bench).prepare("digits", releases()["fixed"], lambda _: None)
    assert scalers(cluster) == {HPA}


def test_a_wrong_release_with_another_writer_is_taken_back_with_its_own(bench: Bench, cluster: ScaledCluster) -> None:
    one, two = scaled(1, BY_CPU), scaled(2, FIXED)
    cluster.loads["digits"] = 4
    bench.well(one)
    bench.behave(two, how="crashes")
    (done,) = bench.up(two)
    assert done.restored == "1.1.0 serves again"
    assert scalers(cluster) == {HPA}
    assert cluster.faults == []


def test_an_engine_that_fails_after_the_writer_went_brings_it_back(bench: Bench, cluster: ScaledCluster) -> None:
    one, two = scaled(1, BY_CPU), scaled(2, FIXED)
    bench.well(one)
    bench.engine.fails["local.digits"] = [refused("local.digits", "the image cannot be built")]
    (done,) = bench.up(two)
    assert done.restored == "1.1.0 serves again"
    assert scalers(cluster) == {HPA}


@pytest.mark.parametrize("after", range(8))
def test_killed_while_replicas_pass_on_the_next_up_ends_on_what_it_was_asked_for(
    bench: Bench, cluster: ScaledCluster, after: int
) -> None:
    bench.well(scaled(1, FIXED))
    bench.killed(scaled(2, BY_CPU), after)
    bench.pass_s(2)
    bench.well(scaled(3, FIXED))
    bench.pass_s(10)
    assert scalers(cluster) == set()
    assert live(bench).ready == 4
    assert cluster.faults == []


@pytest.mark.parametrize("writer", ["fixed", HPA, SCALED_OBJECT])
def test_nothing_is_touched_for_a_model_that_goes_on_as_before(bench: Bench, writer: str) -> None:
    apply(bench, releases()[writer])
    before = bench.cluster.objects["Deployment", "digits"]["metadata"]["resourceVersion"]
    assert not hand_over(bench).prepare("digits", releases()[writer], lambda _: None)
    assert bench.cluster.objects["Deployment", "digits"]["metadata"]["resourceVersion"] == before


def test_of_a_model_that_goes_keda_lets_go_before_its_stack_is_destroyed(bench: Bench, cluster: ScaledCluster) -> None:
    apply(bench, releases()[SCALED_OBJECT])
    gone = remove_models(bench.engine, "local", ["digits"], lambda *_: None, 1, hand_over(bench).retire)
    assert gone == {"digits": None}
    assert scalers(cluster) == set()


def test_where_keda_is_gone_the_stack_of_a_model_stays_and_the_run_says_what_to_do(
    bench: Bench, cluster: ScaledCluster
) -> None:
    apply(bench, releases()[SCALED_OBJECT])
    cluster.keda_runs = False
    gone = remove_models(bench.engine, "local", ["digits"], lambda *_: None, 1, hand_over(bench).retire)
    assert isinstance(gone["digits"], ScalerStays)
    assert bench.engine.destroyed == []
    assert live(bench).ready == 2
    cluster.objects[SCALED_OBJECT, "digits"]["metadata"]["finalizers"] = None  # what the message tells to do
    cluster.delete(SCALED_OBJECT, "digits")
    assert remove_models(bench.engine, "local", ["digits"], lambda *_: None, 1, hand_over(bench).retire) == {
        "digits": None
    }


def test_who_may_not_look_for_scaled_objects_destroys_without(bench: Bench, cluster: ScaledCluster) -> None:
    apply(bench, releases()["fixed"])
    cluster.forbidden = {SCALED_OBJECT}
    hand_over(bench).retire("digits")
    assert live(bench).ready == 4

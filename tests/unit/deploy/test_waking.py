"""A model that sleeps is woken to be updated, judged or asked, and sleeps again afterwards."""

from dataclasses import replace

import pytest

from slipway.cluster.autoscalers import FINALIZER, SCALED_OBJECT
from slipway.deploy.models import ModelResult, needs_update
from slipway.deploy.record import live_model, live_models, saved
from slipway.deploy.waking import NotWoken, Waker
from slipway.deploy.watcher import Watcher
from slipway.environments.planning.monitoring import Monitoring
from slipway.errors.failures import WrongAnswer
from slipway.planner.environment import ModelPlan
from tests.support.deploy_bench import Bench, live
from tests.support.fake_engine import KilledError
from tests.support.scaled_cluster import ScaledCluster
from tests.unit.deploy.test_hand_over import BY_CPU, scaled

ASLEEP_AFTER_S = 100


TO_ZERO = {"min": 2, "max": 8, "target": {"concurrency": 4}, "to_zero": {"after": "60s"}}


def sleeper(number: int) -> ModelPlan:
    """A release of `digits` that sleeps when nobody called for a minute."""
    return replace(scaled(number, TO_ZERO), monitoring=Monitoring("http://prometheus-operated.monitoring:9090", True))


@pytest.fixture
def cluster() -> ScaledCluster:
    return ScaledCluster()


@pytest.fixture
def bench(cluster: ScaledCluster) -> Bench:
    return Bench(cluster)


def up(bench: Bench, model: ModelPlan) -> ModelResult:
    cluster = bench.cluster
    assert isinstance(cluster, ScaledCluster)
    (done,) = bench.up(model, waker=Waker(cluster, cluster.wake, Watcher(cluster, bench._pause, cluster.clock)))
    return done


def asleep(bench: Bench, model: ModelPlan) -> None:
    """Bring a release up, and let it fall asleep."""
    assert up(bench, model).error is None
    bench.pass_s(ASLEEP_AFTER_S)
    assert live(bench).wanted == 0


def test_a_model_that_sleeps_and_was_judged_needs_nothing(bench: Bench, cluster: ScaledCluster) -> None:
    one = sleeper(1)
    asleep(bench, one)
    before = cluster.wakes
    found = live_models(cluster)["digits"]
    assert found == live_model(cluster, "digits")
    assert (found.asleep, found.ready, found.serves_verified) == (True, 0, True)
    assert not needs_update(one, found, recorded=True)
    assert cluster.wakes == before


def test_a_model_without_replicas_that_nothing_wakes_does_not_sleep(bench: Bench, cluster: ScaledCluster) -> None:
    one = sleeper(1)
    asleep(bench, one)
    del cluster.objects[SCALED_OBJECT, "digits"]
    found = live_models(cluster)["digits"]
    assert not found.asleep
    assert needs_update(one, found, recorded=True)


def test_an_update_wakes_it_judges_it_records_it_and_lets_it_sleep_again(bench: Bench) -> None:
    asleep(bench, sleeper(1))
    two = sleeper(2)
    done = up(bench, two)
    assert done.error is None
    assert done.verdict is not None
    record = saved(bench.cluster, "digits")
    assert record is not None
    assert record.digest == two.release_digest
    assert ("digits", "waking it") in bench.said
    bench.pass_s(ASLEEP_AFTER_S)
    assert live(bench).wanted == 0
    assert bench.cluster.faults == []


def test_a_wrong_release_of_a_sleeping_model_is_taken_back_and_sleeps(bench: Bench) -> None:
    one, two = sleeper(1), sleeper(2)
    asleep(bench, one)
    bench.behave(two, label=3)
    done = up(bench, two)
    assert isinstance(done.error, WrongAnswer)
    assert done.restored == "1.1.0 serves again"
    bench.pass_s(ASLEEP_AFTER_S)
    found = live_model(bench.cluster, "digits")
    assert found is not None
    assert (found.release, found.asleep, found.serves_verified) == (one.release, True, True)


@pytest.mark.parametrize(
    ("away", "reason"),
    [
        ("keys_run", "no endpoints available for service keys"),
        ("keda_runs", "the keys service told KEDA that somebody waits, and KEDA started nothing"),
    ],
)
def test_what_cannot_be_woken_is_left_as_it_was_in_time_and_in_words(
    bench: Bench, cluster: ScaledCluster, away: str, reason: str
) -> None:
    one, two = sleeper(1), sleeper(2)
    asleep(bench, one)
    setattr(cluster, away, False)
    started = cluster.now
    done = up(bench, two)
    assert isinstance(done.error, NotWoken)
    assert reason in str(done.error)
    assert "nothing was changed" in str(done.error)
    assert cluster.now - started < 65
    assert done.restored is None
    found = live_model(cluster, "digits")
    assert found is not None
    assert (found.release, found.asleep, found.serves_verified) == (one.release, True, True)
    setattr(cluster, away, True)
    assert up(bench, two).error is None


def test_what_keda_says_about_a_scaled_object_is_told(bench: Bench, cluster: ScaledCluster) -> None:
    asleep(bench, sleeper(1))
    cluster.keda_runs = False
    condition = {"type": "Ready", "status": "False", "reason": "TriggerError", "message": "prometheus is away"}
    cluster.objects[SCALED_OBJECT, "digits"]["status"]["conditions"] = [condition]
    assert "KEDA says TriggerError: prometheus is away" in str(up(bench, sleeper(2)).error)


def test_a_first_release_is_kept_awake_until_it_was_judged_though_its_model_is_not_known_yet(
    bench: Bench, cluster: ScaledCluster
) -> None:
    cluster.keys_run = False  # what the keys service says about a model whose route it does not have
    done = up(bench, sleeper(1))
    assert done.error is None


def test_a_run_that_is_killed_leaves_nothing_that_keeps_it_awake(bench: Bench, cluster: ScaledCluster) -> None:
    asleep(bench, sleeper(1))
    bench.engine.killed_after = 2
    with pytest.raises(KilledError):
        up(bench, sleeper(2))
    bench.engine.killed_after = None
    bench.pass_s(40 + ASLEEP_AFTER_S)
    assert live(bench).wanted == 0
    cluster.objects = {key: item for key, item in cluster.objects.items() if key[0] != "Lease"}
    assert up(bench, sleeper(2)).error is None


def test_nobody_is_asked_to_wake_a_model_that_never_sleeps(bench: Bench, cluster: ScaledCluster) -> None:
    assert up(bench, scaled(1, BY_CPU)).error is None
    assert cluster.wakes == 0


def test_a_sleeping_model_that_was_never_judged_is_not_destroyed_by_a_wrong_release(bench: Bench) -> None:
    one, two = sleeper(1), sleeper(2)
    asleep(bench, one)
    bench.cluster.delete("ConfigMap", "digits-verified")
    bench.cluster.objects["Deployment", "digits"]["spec"]["template"]["spec"]["priorityClassName"] = "by-hand"
    bench.behave(two, how="crashes")
    done = up(bench, two)
    assert done.error is not None
    assert bench.engine.destroyed == []


def test_keda_takes_its_finalizer_off_when_a_model_goes(bench: Bench, cluster: ScaledCluster) -> None:
    asleep(bench, sleeper(1))
    assert cluster.objects[SCALED_OBJECT, "digits"]["metadata"]["finalizers"] == [FINALIZER]
    bench.engine.destroy("local.digits", lambda _: None)
    assert not [kind for kind, _ in cluster.objects if kind in (SCALED_OBJECT, "HorizontalPodAutoscaler")]

"""Models are deployed, judged, restored: on an engine and a cluster in memory, with time that passes at once."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from slipway.cluster.rollout import REFUSED_S, REVISION
from slipway.deploy.cold_start import kept_starts
from slipway.deploy.judge import verify
from slipway.deploy.models import needs_update
from slipway.deploy.record import recorded_models, saved
from slipway.deploy.watcher import Watcher
from slipway.errors.failures import Interrupted, LockLost, RolloutFailed, StackFailed, WrongAnswer
from slipway.errors.reaching import ClusterUnreachable
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.values import names
from tests.support.deploy_bench import BASE, IMAGE, Bench, live, planned
from tests.support.fake_engine import FakeEngine, refused
from tests.support.living_cluster import START_S, WARM_S, LivingCluster

QUOTA_SAID = (
    'pods "digits-" is forbidden: exceeded quota: compute, requested: requests.cpu=1, used: requests.cpu=4, '
    "limited: requests.cpu=4"
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def is_settled(bench: Bench, model: ModelPlan) -> bool:
    recorded = model.name in recorded_models(bench.cluster)
    return not needs_update(model, live(bench, model.name), recorded=recorded)


def test_a_first_release_is_rolled_out_judged_and_recorded(bench: Bench) -> None:
    one = planned(1)
    (done,) = bench.up(one)
    assert done.error is None
    assert done.verdict is not None
    assert done.verdict.outputs == {"label": [7]}
    assert is_settled(bench, one)
    record = saved(bench.cluster, "digits")
    assert record is not None
    assert record.digest == one.release_digest
    assert ("Lease", names.lock("digits")) not in bench.cluster.objects


def test_what_a_start_took_is_kept_beside_the_record(bench: Bench) -> None:
    bench.well(planned(1), planned(1, "other"))
    start = kept_starts(bench.cluster)["digits"]
    assert (start.release, start.load_s, start.warm_s) == (planned(1).release, START_S - WARM_S, WARM_S)
    assert start.total_s == START_S
    assert start.pull_s is None  # nobody noted any event
    bench.cluster.objects["ConfigMap", names.record("digits")]["metadata"]["annotations"] = {}
    assert kept_starts(bench.cluster).keys() == {"other"}


def test_a_start_that_may_not_be_measured_fails_nothing(bench: Bench) -> None:
    bench.cluster.forbidden.add("Event")
    bench.well(planned(1))
    assert kept_starts(bench.cluster) == {}


def test_an_update_serves_and_leaves_no_config_map_of_the_release_before(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.well(two)
    assert bench.serving() == two.release
    assert bench.config_maps() == {names.config_map("digits", two.release_digest), names.record("digits")}
    assert bench.cluster.faults == []


@pytest.mark.parametrize(
    ("how", "reason", "limit_s"),
    [
        ({"how": "crashes"}, r"exited with code 1 \(\d times\): golden request: wrong answer", 15),
        ({"how": "pulls"}, "cannot be pulled: manifest unknown", 15),
        ({"label": 3}, "output `label` is 3, expected 7", 15),
        ({"refused": "exceeded quota: pods=1"}, "its pods are refused: exceeded quota: pods=1", 20),
        ({"refused": QUOTA_SAID}, "ResourceQuota compute .* refuses its pods: cpu: 4 of 4 used, and a pod needs 1", 20),
        ({"size": 1000}, "fits on no node: no room", 30),
        ({"how": "waits"}, r"no progress for \d+ s", 1000),
    ],
    ids=["crash", "image", "wrong answer", "refused", "quota", "no room", "never ready"],
)
def test_a_release_that_fails_is_taken_back_in_time(
    bench: Bench, how: dict[str, Any], reason: str, limit_s: float
) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.behave(two, **how)
    started = bench.cluster.now
    (done,) = bench.up(two)
    assert bench.cluster.now - started < limit_s + 5
    assert isinstance(done.error, RolloutFailed | WrongAnswer)
    with pytest.raises(type(done.error), match=reason):
        raise done.error
    assert done.restored == "1.1.0 serves again"
    assert bench.serving() == one.release
    assert is_settled(bench, one)
    assert names.config_map("digits", two.release_digest) not in bench.config_maps()
    assert bench.cluster.faults == []


def test_while_another_pod_stops_a_quota_that_is_used_up_is_waited_for(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.behave(two, refused=QUOTA_SAID)
    frees_at = bench.cluster.now + 3 * REFUSED_S
    labels = {"app.kubernetes.io/name": "other", "app.kubernetes.io/managed-by": "slipway"}
    stopping = {"name": "other-1", "labels": labels, "deletionTimestamp": str(frees_at)}
    bench.cluster._put({"kind": "Pod", "metadata": stopping, "spec": {}, "status": {}})

    def pause(seconds: float) -> bool:
        bench.cluster.pause(seconds)
        if bench.cluster.now > frees_at:
            bench.behave(two)
        return False

    watcher = Watcher(bench.cluster, pause, bench.cluster.clock)
    (done,) = bench.up(two, watcher=watcher)
    assert done.error is None, done.error
    assert bench.serving() == two.release


def test_a_first_release_that_is_wrong_is_taken_away_whole(bench: Bench) -> None:
    one = planned(1)
    bench.behave(one, how="crashes")
    (done,) = bench.up(one)
    assert isinstance(done.error, RolloutFailed)
    assert done.restored == "nothing served before, and what was made has been destroyed"
    assert bench.engine.destroyed == ["local.digits"]
    assert {kind for kind, _ in bench.cluster.objects} <= {"ReplicaSet"}


@pytest.mark.parametrize("after", range(7))
@pytest.mark.parametrize("then", [1, 2, 3])
def test_killed_in_an_update_the_next_up_ends_on_what_it_was_asked_for(bench: Bench, after: int, then: int) -> None:
    bench.well(planned(1))
    bench.killed(planned(2), after)
    bench.pass_s(1)
    bench.well(planned(then))
    assert bench.serving() == planned(then).release
    assert is_settled(bench, planned(then))
    assert bench.config_maps() == {names.config_map("digits", planned(then).release_digest), names.record("digits")}
    assert bench.cluster.faults == []
    assert bench.settled[-1] == ("local.digits", True)


@pytest.mark.parametrize("after", range(7))
def test_killed_in_a_wrong_update_the_former_release_comes_back(bench: Bench, after: int) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.behave(two, how="crashes")
    bench.killed(two, after)
    bench.pass_s(20)
    bench.well(one)
    assert bench.serving() == one.release
    assert bench.cluster.faults == []


def test_killed_in_the_first_release_a_wrong_second_one_does_not_destroy_what_serves(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.killed(one, 6)
    bench.pass_s(10)
    assert live(bench).ready == 1
    bench.behave(two, how="crashes")
    (done,) = bench.up(two)
    assert isinstance(done.error, RolloutFailed)
    assert bench.engine.destroyed == []
    assert live(bench).ready == 1


def test_a_record_that_is_missing_is_written_again_though_nothing_else_changed(bench: Bench) -> None:
    one = planned(1)
    bench.well(one)
    bench.cluster.delete("ConfigMap", names.record("digits"))
    assert not is_settled(bench, one)
    bench.well(one)
    assert is_settled(bench, one)


def test_a_failure_without_a_record_does_not_destroy_what_serves(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.cluster.delete("ConfigMap", names.record("digits"))
    bench.behave(two, how="crashes")
    (done,) = bench.up(two)
    assert bench.engine.destroyed == []
    assert live(bench).ready == 1
    assert done.restored is not None


def test_a_template_that_somebody_edited_is_found_and_put_right(bench: Bench) -> None:
    one = planned(1)
    bench.well(one)
    bench.cluster.edit_template("digits", image="elsewhere/other:latest")
    bench.pass_s(10)
    assert not is_settled(bench, one)
    bench.well(one)
    assert bench.cluster.objects["Deployment", "digits"]["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE
    assert is_settled(bench, one)


def test_what_somebody_added_to_a_template_is_judged_again(bench: Bench) -> None:
    one = planned(1)
    bench.well(one)
    bench.cluster.edit_template("digits", added="by-hand")
    bench.pass_s(10)
    assert not is_settled(bench, one)
    (done,) = bench.up(one)
    assert done.verdict is not None
    assert is_settled(bench, one)


def test_a_rollback_by_hand_is_found_and_put_right(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.well(two)
    bench.cluster.put(next(item for item in render_model(one, IMAGE) if item["kind"] == "ConfigMap"))
    undone = next(item for item in render_model(one, IMAGE) if item["kind"] == "Deployment")
    undone["metadata"]["labels"] = dict(two.labels)  # kubectl rollout undo leaves the Deployment's own labels
    bench.cluster.put(undone)
    bench.pass_s(10)
    assert not is_settled(bench, two)
    bench.well(two)
    assert bench.serving() == two.release


def test_a_deployment_that_somebody_deleted_comes_back(bench: Bench) -> None:
    one = planned(1)
    bench.well(one)
    bench.cluster.take("Deployment", "digits")
    bench.pass_s(5)
    bench.well(one)
    assert bench.serving() == one.release


def test_without_trouble_the_engine_is_not_made_to_look(bench: Bench) -> None:
    bench.well(planned(1))
    bench.well(planned(2))
    assert bench.engine.refreshed == [False, False]
    assert [doubted for _, doubted in bench.settled] == [False, False]


def test_when_restoring_fails_too_it_says_what_serves_and_why(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.engine.fails["local.digits"] = [refused("local.digits"), refused("local.digits", "and again")]
    (done,) = bench.up(two)
    assert isinstance(done.error, StackFailed)
    assert done.restored is not None
    assert done.restored.startswith("not restored (1 pods serve)")
    assert "and again" in done.restored
    assert bench.serving() == one.release


def test_a_pipeline_is_deployed_after_the_models_that_it_asks(bench: Bench) -> None:
    whole = planned(1, model="whole")
    whole = replace(whole, check=replace(whole.check, members=("parts",)))
    done = bench.deployer(jobs=2).deploy([whole, planned(1, model="parts")])
    assert [one.model for one in done] == ["whole", "parts"]
    served = [model for model, text in bench.said if text == "serves"]
    assert served == ["parts", "whole"]


def test_a_model_is_restored_when_a_pipeline_that_asks_it_answers_wrongly(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    whole = planned(1, model="whole")
    whole = replace(whole, check=replace(whole.check, members=("digits",)))
    bench.well(one)
    asked: list[tuple[str, object]] = []

    def judge(cluster: LivingCluster, model: str, check: Any, release: str | None, **how: Any) -> Any:
        asked.append((model, how.get("by")))
        if how.get("by") == ("digits", two.release_digest):
            raise WrongAnswer(model, "wrong")
        return bench._verify(cluster, model, check, release)

    bench.judge = judge
    (done,) = bench.deployer(pipelines=[whole]).deploy([two])
    assert isinstance(done.error, WrongAnswer)
    assert ("whole", ("digits", two.release_digest)) in asked
    assert bench.serving() == one.release


def test_a_run_that_lost_its_lock_stops_touching_the_model(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    judged: list[str] = []

    def judge(cluster: LivingCluster, model: str, check: Any, release: str | None, **_: Any) -> Any:
        judged.append(str(release))
        raise WrongAnswer(model, "wrong")

    bench.judge = judge
    deployer = bench.deployer()
    original = FakeEngine.up

    def up(stack: str, *args: Any, **options: Any) -> Any:
        outcome = original(bench.engine, stack, *args, **options)
        lease = bench.cluster.objects["Lease", names.lock("digits")]
        lease["spec"]["holderIdentity"] = "elsewhere/2"
        lock_seen.wait(20)
        return outcome

    lock_seen = threading.Event()
    bench.said.clear()
    bench.engine.up = up  # type: ignore[method-assign]
    threading.Timer(6.0, lock_seen.set).start()
    (done,) = deployer.deploy([two])
    assert isinstance(done.error, LockLost)
    assert judged == []
    assert done.restored is None


def test_an_interrupted_run_restores_nothing_and_the_next_one_goes_on(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.behave(two, how="waits")
    engine_up = bench.engine.up

    def up(*args: Any, **options: Any) -> Any:
        bench.cancelled.set()
        return engine_up(*args, **options)

    bench.engine.up = up  # type: ignore[method-assign]
    (done,) = bench.up(two)
    assert isinstance(done.error, Interrupted)
    assert done.restored is None
    bench.engine.up = engine_up  # type: ignore[method-assign]
    bench.cancelled.clear()
    bench.well(one)
    assert bench.serving() == one.release


@pytest.mark.parametrize(("away_s", "ends_well"), [(30, True), (90, False)])
def test_an_api_server_that_is_back_in_time_is_waited_for(bench: Bench, away_s: float, ends_well: bool) -> None:
    bench.well(planned(1))
    engine_up = bench.engine.up

    def up(*args: Any, **options: Any) -> Any:
        outcome = engine_up(*args, **options)
        bench.cluster.away_until = bench.cluster.now + away_s
        return outcome

    bench.engine.up = up  # type: ignore[method-assign]
    (done,) = bench.up(planned(2))
    assert (done.error is None) == ends_well
    assert ends_well or isinstance(done.error, ClusterUnreachable)


def test_two_updates_on_a_full_pool_wait_for_each_other(bench: Bench) -> None:
    models = [planned(1), planned(1, "speech")]
    bench.well(*models)
    bench.cluster.room = 3
    two = [planned(2), planned(2, "speech")]
    done = bench.up(*two, jobs=2)
    assert [item.error for item in done] == [None, None]
    assert [bench.serving(model.name) for model in two] == [model.release for model in two]


def test_of_two_models_one_fails_and_the_other_serves(bench: Bench) -> None:
    bench.behave(planned(1), how="crashes")
    failed, well = bench.up(planned(1), planned(1, "speech"))
    assert isinstance(failed.error, RolloutFailed)
    assert well.error is None


def test_a_pod_for_which_a_node_comes_is_waited_for(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    bench.cluster.room = 1
    arrives = bench.cluster.now + 90

    def pause(seconds: float) -> bool:
        bench.cluster.pause(seconds)
        for pod in bench.cluster.list("Pod"):
            event = {"kind": "Pod", "name": pod["metadata"]["name"]}
            name = f"scale-up-{pod['metadata']['name']}"
            bench.cluster._put(
                {"kind": "Event", "metadata": {"name": name}, "reason": "TriggeredScaleUp", "involvedObject": event}
            )
        if bench.cluster.now > arrives:
            bench.cluster.room = 2
        return False

    (done,) = bench.up(two, watcher=Watcher(bench.cluster, pause, bench.cluster.clock))
    assert done.error is None
    assert bench.serving() == two.release


def test_a_release_is_not_recorded_when_its_deployment_changed_while_it_was_judged(bench: Bench) -> None:
    one = planned(1)

    def judge(cluster: LivingCluster, model: str, check: Any, release: str | None, **_: Any) -> Any:
        cluster.edit_template(model, edited="now")
        return verify(cluster, model, check, release, sleep=bench._sleep, clock=cluster.clock)

    bench.judge = judge
    (done,) = bench.up(one)
    assert isinstance(done.error, WrongAnswer)
    assert "somebody changed its Deployment" in str(done.error)


def test_a_paused_deployment_is_named_at_once(bench: Bench) -> None:
    one, two = planned(1), planned(2)
    bench.well(one)
    engine_up = bench.engine.up

    def up(*args: Any, **options: Any) -> Any:
        outcome = engine_up(*args, **options)
        deployment = bench.cluster.objects["Deployment", "digits"]
        deployment["spec"]["paused"] = (
            deployment["spec"]["template"]["metadata"]["labels"][names.RELEASE_LABEL] == two.release
        )
        return outcome

    bench.engine.up = up  # type: ignore[method-assign]
    bench.behave(two, how="waits")
    (done,) = bench.up(two)
    assert isinstance(done.error, RolloutFailed)
    assert "kubectl rollout resume" in str(done.error)


def test_the_revision_that_was_judged_is_noted_on_the_deployment(bench: Bench) -> None:
    bench.well(planned(1))
    bench.well(planned(2))
    annotations = bench.cluster.objects["Deployment", "digits"]["metadata"]["annotations"]
    assert annotations[names.VERIFIED_REVISION] == annotations[REVISION] == "2"


def test_a_record_holds_what_a_restore_applies(bench: Bench) -> None:
    bench.well(planned(1))
    record = saved(bench.cluster, "digits")
    assert isinstance(record, Release)
    assert [item["kind"] for item in record.manifests] == [item["kind"] for item in render_model(planned(1), IMAGE)]


def test_a_record_says_what_its_release_was_made_from_also_after_it_was_restored(bench: Bench) -> None:
    by_an_older_slipway = replace(BASE.origin, slipway="0.0.9")
    bench.well(replace(planned(1), origin=by_an_older_slipway))
    bench.behave(planned(2), label=3)
    (done,) = bench.up(planned(2))
    assert done.restored == "1.1.0 serves again"
    kept = saved(bench.cluster, "digits")
    assert kept is not None
    assert kept.origin == by_an_older_slipway
    bench.well(planned(3))
    kept = saved(bench.cluster, "digits")
    assert kept is not None
    assert kept.origin == BASE.origin

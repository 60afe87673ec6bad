"""A new release is judged beside the old one: by a judge in memory that works while time passes."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from slipway.deploy.models import ModelResult
from slipway.deploy.record import live_models, saved
from slipway.deploy.update.judged import NotPromoted
from slipway.deploy.update.judging import DEAD_S
from slipway.deploy.update.route import share_of_candidate
from slipway.deploy.update.state import judged_models, rollout_of
from slipway.environments.planning.monitoring import Monitoring
from slipway.errors.failures import Interrupted, JudgeSilent, RolloutFailed, RolloutGone, WrongAnswer
from slipway.plan.model import ModelPlan
from slipway.plan.traffic import Traffic
from slipway.spec.rollout import RolloutRules
from slipway.values import names
from tests.support.deploy_bench import Bench, planned
from tests.support.fake_engine import KilledError
from tests.support.fake_rollout import FakeJudge

TRAFFIC = Traffic(
    "digits", "models.example", "/models/digits", "https://models.example/models/digits", "none", None, None, (), {},
    None, 30.0,
)  # fmt: skip


def canary(number: int) -> ModelPlan:
    """Release `number`, which gets 25 % and then all of the calls, after a shadow step."""
    model = planned(number)
    rules = RolloutRules.model_validate({"strategy": "canary", "steps": ["25%", "100%"], "hold": "10s"})
    spec = model.spec.model_copy(update={"rollout": rules})
    return replace(model, spec=spec, traffic=TRAFFIC, monitoring=Monitoring("http://prometheus", operator=False))


@dataclass
class JudgedBench(Bench):
    """An environment whose rollouts are judged."""

    moments: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.judge_of_rollouts = FakeJudge(self.cluster)

    def _pause(self, seconds: float) -> bool:
        self.cluster.pause(seconds)
        self.judge_of_rollouts.work()
        for moment, happens in list(self.moments.items()):
            if any(moment in text for _, text in self.said):
                del self.moments[moment]
                happens()
        return self.cancelled.is_set()

    def when(self, said: str, happens: Any) -> None:
        """Do something once the deployer has said something."""
        self.moments[said] = happens


@pytest.fixture
def bench() -> JudgedBench:
    found = JudgedBench()
    found.well(canary(1))
    found.said.clear()
    return found


def share(bench: Bench) -> float:
    return share_of_candidate(bench.cluster, "digits")


def settled(bench: Bench, model: ModelPlan) -> None:
    """The release serves alone, and nothing is left of a rollout."""
    assert bench.serving() == model.release
    assert {name for kind, name in bench.cluster.objects if kind in ("Deployment", "Service")} == {"digits"}
    route = bench.cluster.objects["HTTPRoute", "digits"]
    assert [ref["name"] for ref in route["spec"]["rules"][0]["backendRefs"]] == ["digits"]
    assert judged_models(bench.cluster) == set()
    record = saved(bench.cluster, "digits")
    assert record is not None
    assert record.digest == model.release_digest
    assert bench.cluster.faults == []


def failed(bench: Bench, model: ModelPlan, **changes: Any) -> ModelResult:
    (done,) = bench.up(model, **changes)
    assert done.error is not None
    return done


def test_a_first_release_is_rolled_out_as_ever() -> None:
    bench = JudgedBench()
    bench.well(canary(1))
    assert bench.judge_of_rollouts.shares == []
    settled(bench, canary(1))


def test_a_release_that_passes_gets_more_of_the_calls_step_by_step_and_takes_the_old_ones_place(
    bench: JudgedBench,
) -> None:
    (done,) = bench.up(canary(2))
    assert done.error is None, done.error
    assert bench.judge_of_rollouts.shares == [0.25, 1.0]
    settled(bench, canary(2))
    assert done.kept is not None
    assert done.kept.digest == canary(2).release_digest
    assert done.rollout is not None
    assert done.rollout.phase == "passed"
    said = [text for _, text in bench.said]
    assert any(text.startswith("step 2 of 3, 25 %:") for text in said)


def test_while_it_takes_the_old_ones_place_its_candidate_has_all_calls(bench: JudgedBench) -> None:
    shares: list[float] = []
    bench.when("takes the place", lambda: shares.append(share(bench)))
    bench.well(canary(2))
    assert shares == [pytest.approx(1.0, abs=1e-5)]


def test_a_backend_with_calls_gets_the_least_weight_before_it_gets_none(bench: JudgedBench) -> None:
    weights: list[int] = []
    replaced = bench.cluster.replace

    def replace_(manifest: dict[str, Any]) -> dict[str, Any]:
        if manifest["kind"] == "HTTPRoute":
            weights.append(manifest["spec"]["rules"][0]["backendRefs"][1]["weight"])
        return replaced(manifest)

    bench.cluster.replace = replace_  # type: ignore[method-assign]
    bench.well(canary(2))
    assert weights[-2:] == [1, 0]


def test_a_release_that_fails_stays_for_a_look_and_the_old_one_has_all_calls(bench: JudgedBench) -> None:
    bench.judge_of_rollouts.fails_at = 1
    done = failed(bench, canary(2))
    assert isinstance(done.error, NotPromoted)
    assert done.error.exit_code == 2
    assert bench.judge_of_rollouts.reason in str(done.error)
    assert done.restored == "1.1.0 has all calls"
    assert share(bench) == 0
    assert bench.serving() == canary(1).release
    assert bench.serving(names.candidate("digits")) == canary(2).release
    assert list(live_models(bench.cluster)) == ["digits"]


@pytest.mark.parametrize("then", [1, 3])
def test_the_next_release_removes_one_that_failed(bench: JudgedBench, then: int) -> None:
    bench.judge_of_rollouts.fails_at = 0
    failed(bench, canary(2))
    bench.judge_of_rollouts.fails_at = None
    bench.well(canary(then))
    settled(bench, canary(then))


def test_a_release_that_failed_is_judged_anew_when_it_is_asked_for_again(bench: JudgedBench) -> None:
    bench.judge_of_rollouts.fails_at = 0
    failed(bench, canary(2))
    first = rollout_of(bench.cluster, "digits")
    bench.judge_of_rollouts.fails_at = None
    bench.well(canary(2))
    assert first is not None
    settled(bench, canary(2))
    assert bench.judge_of_rollouts.shares == [0.25, 1.0]


def test_the_old_release_is_to_be_updated_while_a_rollout_is_left(bench: JudgedBench) -> None:
    bench.judge_of_rollouts.fails_at = 0
    failed(bench, canary(2))
    assert judged_models(bench.cluster) == {"digits"}
    bench.cluster.delete("ConfigMap", names.rollout("digits"))
    assert judged_models(bench.cluster) == {"digits"}  # its candidate is still there
    bench.well(canary(1))
    settled(bench, canary(1))


@pytest.mark.parametrize("how", [{"how": "crashes"}, {"label": 3}])
def test_a_release_that_does_not_come_up_never_gets_a_call_and_is_taken_away(
    bench: JudgedBench, how: dict[str, Any]
) -> None:
    bench.behave(canary(2), **how)
    bench.judge_of_rollouts.alive = False  # the real one waits for its pods
    done = failed(bench, canary(2))
    assert isinstance(done.error, RolloutFailed | WrongAnswer)
    assert done.restored == "1.1.0 serves again"
    assert bench.judge_of_rollouts.shares == []
    settled(bench, canary(1))


def test_a_run_that_is_killed_is_gone_on_with_without_the_engine(bench: JudgedBench) -> None:
    def killed() -> None:
        raise KilledError

    bench.when("step 2 of 3", killed)
    with pytest.raises(KilledError):
        bench.up(canary(2))
    before = rollout_of(bench.cluster, "digits")
    runs = len(bench.engine.refreshed)
    engine_up, ran_at = bench.engine.up, []

    def up(*args: Any, **options: Any) -> Any:
        there = rollout_of(bench.cluster, "digits")
        ran_at.append(there.state.phase if there and there.state else None)
        return engine_up(*args, **options)

    bench.engine.up = up  # type: ignore[method-assign]
    bench.well(canary(2))
    assert before is not None
    assert ran_at == ["passed", "passed"]
    assert len(bench.engine.refreshed) == runs + 2
    settled(bench, canary(2))


@pytest.mark.parametrize("after", range(9))
@pytest.mark.parametrize("then", [1, 2, 3])
def test_killed_while_objects_are_applied_the_next_up_ends_on_what_it_was_asked_for(
    bench: JudgedBench, after: int, then: int
) -> None:
    bench.killed(canary(2), after)
    bench.pass_s(1)
    bench.well(canary(then))
    settled(bench, canary(then))


def test_another_release_ends_a_rollout_that_is_under_way(bench: JudgedBench) -> None:
    bench.when("step 2 of 3", bench.cancelled.set)
    failed(bench, canary(2))
    bench.cancelled.clear()
    bench.well(canary(3))
    settled(bench, canary(3))


def test_interrupted_it_says_that_judging_goes_on(bench: JudgedBench) -> None:
    bench.when("step 2 of 3", bench.cancelled.set)
    done = failed(bench, canary(2))
    assert isinstance(done.error, Interrupted)
    assert share(bench) == 0.25
    assert any("judged on in the cluster; if it fails, 1.1.0 gets all calls back" in text for _, text in bench.said)


@pytest.mark.parametrize("detach", [False, True])
def test_detached_it_returns_once_the_judge_is_at_work_and_a_later_up_concludes(
    bench: JudgedBench, detach: bool
) -> None:
    (done,) = bench.up(canary(2), detach=True)
    assert done.error is None
    assert done.judged_on
    assert bench.serving() == canary(1).release
    for _ in range(60):
        bench._pause(1)
    assert share(bench) == pytest.approx(1.0, abs=1e-5)
    (done,) = bench.up(canary(2), detach=detach)
    assert done.error is None
    settled(bench, canary(2))


def test_a_judge_that_says_nothing_any_more_is_told_and_given_up_and_nothing_is_passed(bench: JudgedBench) -> None:
    def dies() -> None:
        bench.judge_of_rollouts.alive = False

    bench.when("step 2 of 3", dies)
    began = bench.cluster.now
    done = failed(bench, canary(2))
    assert isinstance(done.error, NotPromoted)
    assert isinstance(done.error.__cause__, JudgeSilent)
    assert share(bench) == 0
    assert bench.cluster.now - began >= DEAD_S
    assert any("the judge has written nothing for 60 s: it has no pod" in text for _, text in bench.said)


def test_an_api_server_that_is_away_is_no_silence_of_the_judge(bench: JudgedBench) -> None:
    def away() -> None:
        bench.cluster.away_until = bench.cluster.now + 50

    bench.when("step 2 of 3", away)
    bench.well(canary(2))
    settled(bench, canary(2))


def test_a_rollout_that_somebody_else_ended_is_left_alone(bench: JudgedBench) -> None:
    bench.when("step 2 of 3", lambda: bench.cluster.delete("ConfigMap", names.rollout("digits")))
    runs = len(bench.engine.refreshed)
    done = failed(bench, canary(2))
    assert isinstance(done.error, RolloutGone)
    assert done.restored is None
    assert len(bench.engine.refreshed) == runs + 2  # prepared and begun


def test_a_release_that_fails_while_it_takes_the_old_ones_place_is_taken_back(bench: JudgedBench) -> None:
    bench.when("takes the place", lambda: bench.behave(canary(2), label=3))
    done = failed(bench, canary(2))
    assert isinstance(done.error, WrongAnswer)
    assert done.restored == "1.1.0 serves again"
    settled(bench, canary(1))


def test_a_state_of_another_rollout_or_one_that_nobody_can_read_decides_nothing(bench: JudgedBench) -> None:
    bench.up(canary(2), detach=True)
    config_map = bench.cluster.objects["ConfigMap", names.rollout("digits")]
    passed = json.loads(config_map["data"]["state.json"]) | {"phase": "passed"}
    for text in (
        json.dumps(passed | {"id": "another"}),
        '{"phase": "passed"}',
        "passed",
        "[]",
        json.dumps(passed | {"step": -1}),
    ):
        config_map["data"]["state.json"] = text
        found = rollout_of(bench.cluster, "digits")
        assert found is not None
        assert found.under_way
    bench.judge_of_rollouts.alive = False
    config_map["data"]["plan.json"] = "{}"
    assert rollout_of(bench.cluster, "digits") is not None
    bench.well(canary(1))
    settled(bench, canary(1))

"""Bring a model to a new release that earns its calls step by step, beside the one that serves.

The judge decides in the cluster, and sets the weights of the route. What happens here is before and after that: the
new release is put beside the old one, and once it has all calls it takes the old one's place. A run that ends in
between changes nothing about what the judge does, and the next one goes on where it stopped.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from slipway.catalog.pod_contract import SERVICE_PORT
from slipway.deploy.record import Live
from slipway.deploy.update.judging import Judging
from slipway.deploy.update.restoring import Restoring, as_planned
from slipway.deploy.update.route import all_to_stable, is_marked, share_of_candidate
from slipway.deploy.update.state import State, begin_rollout, rollout_of
from slipway.deploy.update.steps import Steps, release_of
from slipway.deploy.verdict import Verdict
from slipway.deploy.watcher import POLL_S
from slipway.errors.base import DeployError
from slipway.errors.failures import Interrupted, JudgeSilent, RolloutFailed
from slipway.errors.reaching import ClusterUnreachable
from slipway.plan.release import Release
from slipway.plan.rollout import Chosen, Limits, RolloutPlan, Side, Stage, Sticky
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.values.aliases import Json, Tell
from slipway.values.names import ENVIRONMENT_LABEL, candidate, selector, short, stack

BACK_S = 30.0
"""A judge that failed a release sets the weights back in the same second."""


class NotPromoted(DeployError):
    """A new release was judged beside the old one, and failed; the old one has all calls.

    `rollout`: what the judge said last; None when it said nothing. `restored`: what serves.
    """

    def __init__(self, rollout: RolloutPlan, reason: str, state: State | None) -> None:
        old, new, model = rollout.old.version, rollout.new.version, rollout.model
        again = f"{rollout.environment} {model}"
        super().__init__(
            f"model {model}: {new} was judged beside {old} and failed: {reason}; {old} has all calls again, and {new} "
            f"stays for a look, without any: kubectl -n {rollout.namespace} logs deployment/{rollout.new.service}, and "
            f"slipway status {again} shows what was counted; next: correct the model and run slipway up {again}, which "
            f"removes it, as does slipway rollback {again}"
        )
        self.reason, self.rollout, self.restored = reason, state, f"{old} has all calls"


@dataclass(frozen=True)
class Outcome:
    """How a judged update ended. `kept` and `verdict`: None where it is judged on without this run."""

    state: State | None
    kept: Release | None = None
    verdict: Verdict | None = None


def is_judged(model: ModelPlan, live: Live | None, previous: Release | None) -> bool:
    """Whether an update is a judged rollout: an earlier release has to serve, and another one to come."""
    if not model.spec.rollout.judged or model.traffic is None or model.monitoring is None:
        return False
    return live is not None and live.serves and previous is not None and previous.digest != model.release_digest


@dataclass(frozen=True)
class JudgedUpdate:
    """Judged updates, by the steps of every update. `check`: raises when another run has taken the model."""

    steps: Steps
    judging: Judging
    check: Callable[[], None]

    def run(self, model: ModelPlan, previous: Release, tell: Tell, *, doubted: bool, detach: bool) -> Outcome:
        """Judge a release beside the previous one, and make it the stable one if it passes.

        Args:
            model: the plan of the new release.
            previous: the verified one that serves.
            tell: is told of the progress.
            doubted: whether the engine has to look at what is there.
            detach: return once the judge is at work; what has passed by now is concluded all the same.

        Raises:
            NotPromoted: it failed; the previous release has all calls, and the new one is kept for a look.
            RolloutFailed, WrongAnswer: it did not come up, or answered wrongly by itself; it never got a call.
            RolloutGone: somebody else ended the rollout.
            Interrupted: the run was cancelled; the judge goes on.
        """
        old, there = as_planned(previous, model), rollout_of(self.steps.cluster, model.name)
        rollout = there.plan if there is not None and there.is_of(old.digest, model.release_digest) else None
        if rollout is None or there is None or (there.state is not None and there.state.phase == "failed"):
            if there is not None:
                version = there.plan.new.version if there.plan is not None else "another release"
                tell(f"ending the rollout of {version}")
                Restoring(self.steps).bring_back(old, tell, model.timing.deadline_s)
            rollout, there = self._planned(old, model), None
        passed = there is not None and there.state is not None and there.state.phase == "passed"
        if there is None or not (passed or is_marked(self.steps.cluster, rollout)):
            self._begin(rollout, old, model, tell, doubted=doubted, written=there is not None)
        else:
            tell(f"going on with the rollout that was begun {rollout.started}")
        if detach and not passed:
            state = self.judging.begun(rollout, tell).state
            tell(goes_on(rollout))
            return Outcome(state)
        state = self._passed(rollout, tell)
        self.check()
        kept, verdict = self._conclude(rollout, old, model, tell)
        return Outcome(state, kept, verdict)

    def _planned(self, old: Release, model: ModelPlan) -> RolloutPlan:
        """The rollout that the plan asks for, with an id of its own."""
        prometheus = model.monitoring.prometheus if model.monitoring is not None else ""
        rules = model.spec.rollout
        return RolloutPlan(
            id=secrets.token_hex(6),
            model=model.name,
            namespace=model.namespace,
            environment=model.environment,
            old=Side(old.version, old.digest, model.name),
            new=Side(model.version, model.release_digest, candidate(model.name)),
            port=SERVICE_PORT,
            steps=(0.0, *rules.shares),
            hold_s=rules.hold,
            deadline_s=rules.deadline,
            shadow=rules.shadow,
            sticky=None if rules.sticky is None else Sticky(rules.sticky.by, rules.sticky.name),
            header=None if rules.header is None else Chosen(rules.header.name, rules.header.value),
            judge=Limits(
                rules.judge.errors,
                rules.judge.p95_ms,
                rules.judge.agreement,
                rules.judge.tolerance,
                rules.judge.outputs,
                rules.judge.least_requests,
            ),
            runtime=model.spec.runtime,
            prometheus=prometheus,
            timeout_s=model.spec.endpoint.timeout,
            started=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        )

    def _begin(
        self, rollout: RolloutPlan, old: Release, model: ModelPlan, tell: Tell, *, doubted: bool, written: bool
    ) -> None:
        """Put the new release and its judge beside the old one; what fails here is taken away again."""
        cluster = self.steps.cluster
        deployment = self._deployment(model.name)
        if not written:
            begin_rollout(cluster, rollout, _labels(deployment), deployment)
        tell(f"putting {model.version} beside {old.version}")
        self.steps.resume(stack(self.steps.environment, model.name), doubted, tell)
        self._stage("prepare", rollout, old, model, deployment, tell, refresh=doubted)
        # The old one may have got more replicas: it has to be able to take all calls back at any moment.
        self.steps.rolled_out(model.name, short(old.digest), tell)
        self._came_up(model, tell)
        # A route must not name a Service before it is there: each of its calls would be refused.
        self._stage("begin", rollout, old, model, deployment, tell, refresh=False)
        self.steps.routed(model, tell)

    def _deployment(self, model: str) -> Json:
        found = self.steps.cluster.read("Deployment", model)
        if found is None:
            raise DeployError(f"model {model}: somebody deleted its Deployment; next: run the command again")
        return found

    def _came_up(self, model: ModelPlan, tell: Tell) -> None:
        name = candidate(model.name)
        try:
            self.steps.watcher.wait(name, model.release, tell)
        except RolloutFailed as error:
            raise RolloutFailed(model.name, error.reason) from error
        self.steps.asked(model.name, model.check, model.release_digest, tell, service=name)

    def _stage(
        self,
        stage: Stage,
        rollout: RolloutPlan,
        old: Release,
        model: ModelPlan,
        deployment: Json,
        tell: Tell,
        *,
        refresh: bool,
    ) -> None:
        replicas = max(deployment["spec"].get("replicas", 1), model.spec.scale.min)
        program = self.steps.programs.rollout(old, model, rollout, replicas, stage, tell)
        self.steps.run(model.name, program, tell, refresh=refresh)

    def _passed(self, rollout: RolloutPlan, tell: Tell) -> State:
        """Wait until the judge has passed the new release, and give what it says; raises when it failed."""
        try:
            decided = self.judging.decided(rollout, tell)
        except Interrupted:
            tell(goes_on(rollout))
            raise
        except JudgeSilent as error:
            all_to_stable(self.steps.cluster, rollout.model, self.steps.watcher.pause)
            raise NotPromoted(rollout, error.reason, None) from error
        state = decided.state
        if state is None or state.phase != "passed":
            self._back(rollout, tell)
            raise NotPromoted(rollout, "it gave no reason" if state is None else state.reason, state)
        tell(f"{rollout.new.version} passed: it has all calls, and takes the place of {rollout.old.version}")
        return state

    def _back(self, rollout: RolloutPlan, tell: Tell) -> None:
        """See on the route itself that the old release has all calls, and give them to it where nobody did."""
        tell(f"{rollout.new.version} failed; {rollout.old.version} gets all calls")
        watcher, cluster = self.steps.watcher, self.steps.cluster
        until = watcher.clock() + BACK_S
        while True:
            try:
                if not share_of_candidate(cluster, rollout.model):
                    return
            except ClusterUnreachable:
                if watcher.clock() >= until:
                    raise
            if watcher.clock() >= until:
                all_to_stable(cluster, rollout.model, watcher.pause)
                return
            if watcher.pause(POLL_S):
                raise Interrupted

    def _conclude(self, rollout: RolloutPlan, old: Release, model: ModelPlan, tell: Tell) -> tuple[Release, Verdict]:
        """Make the new release the stable one while its candidate answers all calls, then remove what was added."""
        steps, name = self.steps, model.name
        manifests = render_model(model, model.image.reference)
        handed = steps.hand_over.prepare(name, manifests, tell)
        self._stage("conclude", rollout, old, model, self._deployment(name), tell, refresh=handed)
        steps.rolled_out(name, model.release, tell)
        steps.routed(model, tell)
        verdict = steps.asked(name, model.check, model.release_digest, tell)
        tell("removing its candidate and the judge")
        steps.end_rollout(name)
        steps.run(name, steps.programs.model(model, tell), tell)
        steps.hand_over.conclude(name)
        stable = steps.rolled_out(name, model.release, tell)
        steps.routed(model, tell)
        steps.asked_at_the_gateway(model, tell)
        self.check()
        release = release_of(model, stable)
        steps.keep(release, stable, model.timing.deadline_s)
        return release, verdict


def goes_on(rollout: RolloutPlan) -> str:
    """What happens to a rollout that nobody follows."""
    return (
        f"{rollout.new.version} is judged on in the cluster; if it fails, {rollout.old.version} gets all calls back by "
        f"itself; if it passes, it keeps all calls, and slipway up {rollout.environment} {rollout.model} then makes it "
        f"the stable one; slipway status {rollout.environment} shows how far it is"
    )


def _labels(deployment: Json) -> dict[str, str]:
    """The labels of a model's object that hold for every release."""
    there = deployment["metadata"].get("labels") or {}
    return selector(deployment["metadata"]["name"]) | {
        key: value for key, value in there.items() if key == ENVIRONMENT_LABEL
    }

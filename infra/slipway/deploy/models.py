"""Bring models of an environment to what their specs say, side by side, and judge each of them.

A model that is already there is not touched. One whose new release does not come up, or answers wrongly, gets
back what served before; when nothing did, what was half made is destroyed. What serves is never destroyed.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from slipway.deploy.changes import RolledBack
from slipway.deploy.front.counted import Counted, GatewayCounts
from slipway.deploy.front.door import FrontDoor
from slipway.deploy.gateway import GatewayWatcher
from slipway.deploy.hand_over import writer_of
from slipway.deploy.live_release import LiveRefused, record_of_live
from slipway.deploy.model_lock import ModelLock
from slipway.deploy.ports import ClusterApi, Judge, Programs, StackEngine
from slipway.deploy.record import Live, live_model
from slipway.deploy.restorable import Owner, restorable
from slipway.deploy.update.judged import JudgedUpdate, NotPromoted, is_judged
from slipway.deploy.update.judging import Judging
from slipway.deploy.update.restoring import Restoring
from slipway.deploy.update.state import State
from slipway.deploy.update.steps import Steps, release_of
from slipway.deploy.verdict import Verdict
from slipway.deploy.waking import Waker
from slipway.deploy.watcher import Watcher
from slipway.errors.base import DeployError, SlipwayError
from slipway.errors.failures import Interrupted, RolloutGone
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.values.aliases import Json, Report, Tell
from slipway.values.names import stack


@dataclass
class ModelResult:
    """The outcome for one model. `error` is set when it failed; `steps` are seconds by step.

    Attributes:
        judged_on: its new release is judged in the cluster, without this run.
        live: the model as it was, None when it was not there.
        previous: the verified release that there was.
        began: whether anything was changed, or may have been.
        kept: the new release, once it was judged right and recorded.
        brought_back: the release that was restored.
        rollout: what the judge of a rollout said last.
        counted: what the gateway answered meanwhile; None for a model without a route.
    """

    model: str
    version: str
    verdict: Verdict | None = None
    error: SlipwayError | None = None
    restored: str | None = None
    steps: dict[str, float] = field(default_factory=dict)
    judged_on: bool = False
    live: Live | None = None
    previous: Release | None = None
    began: bool = False
    kept: Release | None = None
    brought_back: Release | None = None
    rollout: State | None = None
    counted: Counted | None = None


def needs_update(model: ModelPlan, live: Live | None, *, recorded: bool, left: bool = False) -> bool:
    """Whether the release that is live, judged, recorded and serving is another than the planned one.

    `left`: a rollout left something beside it, be it under way or not.
    """
    return left or live is None or not live.serves_verified or live.release != model.release or not recorded


@dataclass(frozen=True)
class Deployer:
    """Deploys models of one environment.

    Attributes:
        environment: its name.
        cluster: where its models are.
        engine: runs their stacks.
        programs: what the stacks run.
        judge: says whether a release answers rightly.
        watcher: says when a rollout is complete, or has failed.
        report: gets a model and what it does.
        cancelled: set when the run is to end.
        jobs: how many models at once.
        settle: resumes a stack; gets its name, whether a run was interrupted, and a progress function; called before
            the stack is updated.
        refresh: look at what is really there before every update.
        gateway: knows when the route of a model is live; None where the environment has no gateway.
        waker: wakes models that sleep; None where none can.
        detach: leave a release that is judged beside the old one to its judge.
        front: asks models at the gateway's own address; None where the environment has no gateway.
        counts: counts what the gateway answers; None where the environment has none.
        noted: is told how it ended for each model, as it ended.
        again: deploy also what somebody rolled back.
        pipelines: those that are live and stay as they are: a model that one of them asks is judged by its answer, too.
    """

    environment: str
    cluster: ClusterApi
    engine: StackEngine
    programs: Programs
    judge: Judge
    watcher: Watcher
    report: Report
    cancelled: threading.Event
    jobs: int
    resume: Callable[[str, bool, Tell], object]
    refresh: bool
    gateway: GatewayWatcher | None = None
    waker: Waker | None = None
    detach: bool = False
    front: FrontDoor | None = None
    counts: GatewayCounts | None = None
    noted: Callable[[ModelPlan, ModelResult], None] = lambda _model, _done: None
    again: bool = False
    pipelines: Sequence[ModelPlan] = ()

    @property
    def steps(self) -> Steps:
        """The steps of an update, by the same engine, cluster and judge."""
        return Steps(
            self.environment,
            self.cluster,
            self.engine,
            self.programs,
            self.judge,
            self.watcher,
            self.resume,
            self.gateway,
            self.front,
        )

    @property
    def restoring(self) -> Restoring:
        """Takes releases back."""
        return Restoring(self.steps)

    def there(self, model: ModelPlan) -> tuple[Live | None, Release | None]:
        """A model as it is, and the release to go back to, each None where there is none; asked under its lock."""
        live = live_model(self.cluster, model.name)
        previous = restorable(self.cluster, Owner.of(model))
        if previous is None and live is not None and live.serves:
            previous = self._unrecorded(model, self.tell(model.name))
        return live, previous

    def deploy(self, models: Sequence[ModelPlan]) -> list[ModelResult]:
        """Deploy all, pipelines after the models that they ask; one that fails does not stop the others.

        Returns how it ended for each, in the order given.
        """
        done: dict[str, ModelResult] = {}
        with ThreadPoolExecutor(max_workers=self.jobs) as pool:
            for asking in (False, True):
                wave = [model for model in models if bool(model.check.members) == asking]
                done |= {result.model: result for result in pool.map(self._deploy, wave)}
        return [done[model.name] for model in models]

    def _deploy(self, model: ModelPlan) -> ModelResult:
        """Deploy one model; every expected failure ends in its `Done`."""
        done = ModelResult(model.name, model.version)
        try:
            if self.cancelled.is_set():
                raise Interrupted
            tell = self.tell(model.name)
            with ModelLock(self.cluster, model.name, tell, self.cancelled) as lock:
                # Read under the lock: another run may have changed both since the plan was made.
                live, previous = self.there(model)
                held = live.holds_back(model.release) if live is not None and not self.again else None
                if held is not None:
                    raise RolledBack(model, held)
                done.live, done.previous, done.began = live, previous, True
                manifests = render_model(model, model.image.reference)
                with self._counting(model, done), self.awake(model.name, live, manifests, previous):
                    judged = is_judged(model, live, previous)
                    handed = not judged and self.steps.hand_over.prepare(model.name, manifests, tell)
                    try:
                        if judged and previous is not None:
                            self._judged(model, previous, done, lock, doubted=_doubted(live, lock))
                        else:
                            self._update(model, live, done, lock, handed=handed)
                    except NotPromoted as error:
                        done.error, done.restored, done.rollout = error, error.restored, error.rollout
                    except RolloutGone as error:
                        done.error = error
                    except DeployError as error:
                        lock.check()
                        done.error = error
                        done.restored, done.brought_back = self.restoring.restore(model, live, previous, tell)
        except SlipwayError as error:
            done.error = done.error or error
        self.noted(model, done)
        self.report(model.name, _ending(done))
        return done

    def awake(
        self, model: str, live: Live | None, manifests: Sequence[Json], previous: Release | None
    ) -> AbstractContextManager[None]:
        """Keeps a model awake that may sleep, before or after: what has no replica cannot be judged."""
        sleeps = writer_of(manifests).sleeps
        if self.waker is None or not (sleeps or (previous is not None and writer_of(previous.manifests).sleeps)):
            return nullcontext()
        # Another writer than one that lets it sleep starts its replicas by itself.
        return self.waker.awake(model, self.tell(model), asleep=sleeps and live is not None and live.asleep)

    @contextmanager
    def _counting(self, model: ModelPlan, done: ModelResult) -> Iterator[None]:
        """Have the gateway's answers for a model counted while the block runs."""
        if self.counts is None or model.traffic is None:
            yield
            return
        with self.counts.counting(model.name) as done.counted:
            yield

    def _update(self, model: ModelPlan, live: Live | None, done: ModelResult, lock: ModelLock, *, handed: bool) -> None:
        """Run the stack, wait for its rollout, judge it, and keep the release as the one to go back to."""
        started = time.monotonic()
        tell, steps = self.tell(model.name), self.steps
        tell("updating its stack")
        left = steps.end_rollout(model.name)
        # The engine believes its state. What a killed run, a judge or a person left otherwise has to be looked at.
        doubted = handed or left or _doubted(live, lock)
        steps.resume(stack(self.environment, model.name), doubted, tell)
        # A model that is new costs nothing to look at; one whose Deployment somebody deleted is not new to its stack.
        refresh = self.refresh or doubted or live is None
        steps.run(model.name, self.programs.model(model, tell), tell, new=live is None, refresh=refresh)
        if handed:
            steps.hand_over.conclude(model.name)
        applied = time.monotonic()
        done.steps["update"] = applied - started
        lock.check()
        deployment = steps.rolled_out(model.name, model.release, tell)
        steps.routed(model, tell)
        rolled_out = time.monotonic()
        done.steps["rollout"] = rolled_out - applied
        done.verdict = steps.asked(model.name, model.check, model.release_digest, tell)
        steps.asked_at_the_gateway(model, tell)
        self._asked_in_pipelines(model, tell)
        done.steps["golden request"] = time.monotonic() - rolled_out
        lock.check()
        release = release_of(model, deployment)
        steps.keep(release, deployment, model.timing.deadline_s)
        done.kept = release

    def _asked_in_pipelines(self, model: ModelPlan, tell: Tell) -> None:
        """Judge a model by the answers of the pipelines that ask it; `WrongAnswer`."""
        for whole in self.pipelines:
            if model.name in whole.check.members:
                by = (model.name, model.release_digest)
                self.steps.asked(whole.name, whole.check, whole.release_digest, tell, by=by)

    def _judged(
        self, model: ModelPlan, previous: Release, done: ModelResult, lock: ModelLock, *, doubted: bool
    ) -> None:
        """Judge the new release beside the previous one; see `JudgedUpdate`."""
        started = time.monotonic()
        judging = Judging(self.cluster, self.watcher.pause, self.watcher.clock)
        update = JudgedUpdate(self.steps, judging, lock.check)
        outcome = update.run(
            model, previous, self.tell(model.name), doubted=doubted or self.refresh, detach=self.detach
        )
        done.verdict, done.kept, done.rollout = outcome.verdict, outcome.kept, outcome.state
        done.judged_on = outcome.kept is None
        done.steps["judged"] = time.monotonic() - started

    def _unrecorded(self, model: ModelPlan, tell: Tell) -> Release | None:
        """What serves without a record, to be restored; None when it is not a release of ours."""
        try:
            return record_of_live(self.cluster, model)
        except LiveRefused as error:
            tell(f"continuing without a release to restore: {error}")
            return None

    def tell(self, model: str) -> Tell:
        """Is told what is done about a model."""
        return lambda text: self.report(model, text)


def _doubted(live: Live | None, lock: ModelLock) -> bool:
    return lock.inherited or (live is not None and not live.serves_verified)


def _ending(done: ModelResult) -> str:
    """How it ended, in a word or two."""
    if done.error is not None:
        return f"failed; {done.restored}" if done.restored else "failed"
    return "is judged on in the cluster" if done.judged_on else "serves"

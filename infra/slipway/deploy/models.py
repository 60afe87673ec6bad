"""Bring models of an environment to what their specs say, side by side, and judge each of them.

A model that is already there is not touched. One whose new release does not come up, or answers wrongly, gets
back what served before; when nothing did, what was half made is destroyed. What serves is never destroyed.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from slipway.artifacts.golden_request import GoldenRequest
from slipway.deploy.cold_start import measured_start
from slipway.deploy.down import GONE_LIMIT_S, left_of_models, remove_unknown, stopping_s
from slipway.deploy.gateway import GatewayWatcher
from slipway.deploy.hand_over import HandOver, writer_of
from slipway.deploy.judge import Verdict
from slipway.deploy.live_release import LiveRefused, record_of_live
from slipway.deploy.model_lock import ModelLock
from slipway.deploy.orphans import remove_strays
from slipway.deploy.ports import ClusterApi, Judge, Program, StackEngine
from slipway.deploy.priority import with_priority
from slipway.deploy.record import Live, live_model, live_of, save
from slipway.deploy.restorable import Owner, restorable
from slipway.deploy.waking import Waker
from slipway.deploy.watcher import Watcher
from slipway.deploy.way_in import with_way_in
from slipway.errors.base import DeployError, SlipwayError
from slipway.errors.failures import Interrupted, LeftBehind, WrongAnswer
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.values.aliases import Json, Report, Tell
from slipway.values.names import short, stack


@dataclass(frozen=True)
class Programs:
    """What the stacks run: a model from its plan, or a release as it once was."""

    model: Callable[[ModelPlan, Tell], Program]
    release: Callable[[str, Release], Program]


@dataclass
class ModelResult:
    """The outcome for one model. `error` is set when it failed; `steps` are seconds by step."""

    model: str
    version: str
    verdict: Verdict | None = None
    error: SlipwayError | None = None
    restored: str | None = None
    steps: dict[str, float] = field(default_factory=dict)


def needs_update(model: ModelPlan, live: Live | None, *, recorded: bool) -> bool:
    """Whether the release that is live, judged, recorded and serving is another than the planned one."""
    return live is None or not live.serves_verified or live.release != model.release or not recorded


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

    @property
    def hand_over(self) -> HandOver:
        """Hands the replicas of a model from one writer to the next."""
        return HandOver(self.cluster, self.environment, self.watcher)

    def deploy(self, models: Sequence[ModelPlan]) -> list[ModelResult]:
        """Deploy all; one that fails does not stop the others. In the order given."""
        with ThreadPoolExecutor(max_workers=self.jobs) as pool:
            return list(pool.map(self._deploy, models))

    def _deploy(self, model: ModelPlan) -> ModelResult:
        """Deploy one model; every expected failure ends in its `Done`."""
        done = ModelResult(model.name, model.version)
        try:
            if self.cancelled.is_set():
                raise Interrupted
            tell = self._tell(model.name)
            with ModelLock(self.cluster, model.name, tell, self.cancelled) as lock:
                # Read under the lock: another run may have changed both since the plan was made.
                live = live_model(self.cluster, model.name)
                previous = restorable(self.cluster, Owner.of(model))
                if previous is None and live is not None and live.serves:
                    previous = self._unrecorded(model, tell)
                manifests = render_model(model, model.image.reference)
                with self._awake(model.name, live, manifests, previous):
                    handed = self.hand_over.prepare(model.name, manifests, tell)
                    try:
                        self._update(model, live, done, lock, handed=handed)
                    except DeployError as error:
                        lock.check()
                        done.error = error
                        done.restored = self._restore(model, live, previous)
        except SlipwayError as error:
            done.error = done.error or error
        text = "serves" if done.error is None else f"failed; {done.restored}" if done.restored else "failed"
        self.report(model.name, text)
        return done

    def _awake(
        self, model: str, live: Live | None, manifests: Sequence[Json], previous: Release | None
    ) -> AbstractContextManager[None]:
        """Keeps a model awake that may sleep, before or after: what has no replica cannot be judged."""
        sleeps = writer_of(manifests).sleeps
        if self.waker is None or not (sleeps or (previous is not None and writer_of(previous.manifests).sleeps)):
            return nullcontext()
        # Another writer than one that lets it sleep starts its replicas by itself.
        return self.waker.awake(model, self._tell(model), asleep=sleeps and live is not None and live.asleep)

    def _update(self, model: ModelPlan, live: Live | None, done: ModelResult, lock: ModelLock, *, handed: bool) -> None:
        """Run the stack, wait for its rollout, judge it, and keep the release as the one to go back to."""
        started = time.monotonic()
        tell = self._tell(model.name)
        tell("updating its stack")
        name = stack(self.environment, model.name)
        # The engine believes its state. What a killed run, or a person, left otherwise has to be looked at first.
        doubted = handed or lock.inherited or (live is not None and not live.serves_verified)
        self.resume(name, doubted, tell)
        program = self.programs.model(model, tell)
        # A model that is new costs nothing to look at; one whose Deployment somebody deleted is not new to its stack.
        self.engine.up(name, program, tell, new=live is None, refresh=self.refresh or doubted or live is None)
        if handed:
            self.hand_over.conclude(model.name)
        applied = time.monotonic()
        done.steps["update"] = applied - started
        lock.check()
        deployment = self._rolled_out(model.name, model.release, tell)
        if self.gateway is not None and model.traffic is not None:
            self.gateway.wait_for_route(model.name, tell)
        rolled_out = time.monotonic()
        done.steps["rollout"] = rolled_out - applied
        done.verdict = self._judged(model.name, model.check, model.release_digest, tell)
        done.steps["golden request"] = time.monotonic() - rolled_out
        lock.check()
        self._keep(_release(model, deployment), deployment, model.timing.deadline_s)

    def _unrecorded(self, model: ModelPlan, tell: Tell) -> Release | None:
        """What serves without a record, to be restored; None when it is not a release of ours."""
        try:
            return record_of_live(self.cluster, model)
        except LiveRefused as error:
            tell(f"continuing without a release to restore: {error}")
            return None

    def _rolled_out(self, model: str, release: str, tell: Tell) -> Json:
        """Wait until a release's rollout is complete; returns its Deployment."""
        self.watcher.wait(model, release, tell)
        deployment = self.cluster.read("Deployment", model)
        if deployment is None or live_of(deployment).release != release:
            raise WrongAnswer(model, "somebody changed its Deployment before it was judged")
        return deployment

    def _judged(self, model: str, check: GoldenRequest, digest: str, tell: Tell) -> Verdict:
        tell("sending the golden request")
        return self.judge(self.cluster, model, check, digest)

    def _keep(self, release: Release, judged: Json, most_s: float) -> None:
        save(self.cluster, release, judged, measured_start(self.cluster, release.model, short(release.digest), most_s))
        remove_strays(self.cluster, release)

    def _restore(self, model: ModelPlan, live: Live | None, previous: Release | None) -> str:
        """Restore the verified release, or destroy what never served. Returns the sentence for it."""
        tell = self._tell(model.name)
        try:
            if previous is not None:
                self._bring_back(with_priority(with_way_in(previous, model), model), tell, model.timing.deadline_s)
                return f"{previous.version} serves again"
            if live is not None and live.serves:
                return self._unrestored(model.name, "there is no record of what served before")
            tell("failed; destroying what never served")
            self._take_away(model.name, tell)
        except Interrupted:
            raise
        except SlipwayError as error:
            return self._unrestored(model.name, error)
        return "nothing served before, and what was made has been destroyed"

    def _bring_back(self, previous: Release, tell: Tell, most_s: float) -> None:
        tell(f"failed; restoring {previous.version}")
        name = stack(self.environment, previous.model)
        self.hand_over.prepare(previous.model, previous.manifests, tell)
        # What the failed update left, and what was deleted for it, is not what the engine believes.
        self.engine.up(name, self.programs.release(self.environment, previous), tell, new=False, refresh=True)
        deployment = self._rolled_out(previous.model, short(previous.digest), tell)
        self._judged(previous.model, previous.check, previous.digest, tell)
        self._keep(previous, deployment, most_s)

    def _take_away(self, model: str, tell: Tell) -> None:
        """Destroy a stack whose model never served, and wait until its objects are gone: the engine does not."""
        self.hand_over.retire(model)
        self.engine.destroy(stack(self.environment, model), tell)
        remove_unknown(self.cluster, self.environment, [model])
        held, limit_s = ("Lease",), GONE_LIMIT_S + stopping_s(self.cluster)  # the Lease is this run's
        left = self.watcher.gone(lambda: left_of_models(self.cluster, self.environment, [model], but=held), limit_s)
        if left:
            raise LeftBehind(self.environment, left)

    def _unrestored(self, model: str, reason: object) -> str:
        """Describe what serves when even restoring failed: a rolling update keeps old pods until new ones are ready."""
        try:
            deployment = self.cluster.read("Deployment", model)
            ready = deployment.get("status", {}).get("availableReplicas", 0) if deployment else 0
            serving = f"{ready} pods serve" if deployment else "nothing serves"
        except SlipwayError:
            serving = "what served keeps serving as long as the cluster runs"
        return f"not restored ({serving}): {reason}"

    def _tell(self, model: str) -> Tell:
        return lambda text: self.report(model, text)


def _release(model: ModelPlan, deployment: Json) -> Release:
    """The release as it runs, with the image by its digest."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    image = container["image"]
    return Release(
        model=model.name,
        version=model.version,
        digest=model.release_digest,
        image=image,
        manifests=tuple(render_model(model, image)),
        check=model.check,
        origin=model.origin,
    )

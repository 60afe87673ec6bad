"""Run a model's stack, wait for its rollout, judge its answer, record it: the steps that every update has."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway.artifacts.golden_request import GoldenRequest
from slipway.deploy.cold_start import measured_start
from slipway.deploy.front.door import FrontDoor
from slipway.deploy.gateway import GatewayWatcher
from slipway.deploy.hand_over import HandOver
from slipway.deploy.orphans import remove_strays
from slipway.deploy.ports import ClusterApi, Judge, Program, Programs, StackEngine
from slipway.deploy.record import live_of, save
from slipway.deploy.update.route import all_to_stable, free_route
from slipway.deploy.update.state import judged_models, remove_rollout
from slipway.deploy.verdict import Verdict
from slipway.deploy.watcher import Watcher
from slipway.errors.failures import WrongAnswer
from slipway.history.held_back import HeldBack
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.values.aliases import Json, Tell
from slipway.values.names import short, stack


@dataclass(frozen=True)
class Steps:
    """The steps of updates in one environment; its attributes are those of `slipway.deploy.models.Deployer`."""

    environment: str
    cluster: ClusterApi
    engine: StackEngine
    programs: Programs
    judge: Judge
    watcher: Watcher
    resume: Callable[[str, bool, Tell], object]
    gateway: GatewayWatcher | None = None
    front: FrontDoor | None = None

    @property
    def hand_over(self) -> HandOver:
        """Hands the replicas of a model from one writer to the next."""
        return HandOver(self.cluster, self.environment, self.watcher)

    def run(self, model: str, program: Program, tell: Tell, *, new: bool = False, refresh: bool = False) -> None:
        """Run a model's stack; what a judge changed of its route is the engine's to change again."""
        free_route(self.cluster, model)
        self.engine.up(stack(self.environment, model), program, tell, new=new, refresh=refresh)

    def end_rollout(self, model: str) -> bool:
        """Lead all calls to the model's own Service before its stack removes a candidate; says if there is any."""
        left = model in judged_models(self.cluster)
        if left:
            all_to_stable(self.cluster, model, self.watcher.pause)
        return left

    def rolled_out(self, model: str, release: str, tell: Tell) -> Json:
        """Wait until the rollout of a release (its short digest) is complete; returns its Deployment.

        Raises as `Watcher.wait`, and `WrongAnswer` when somebody changed the Deployment since.
        """
        self.watcher.wait(model, release, tell)
        deployment = self.cluster.read("Deployment", model)
        if deployment is None or live_of(deployment).release != release:
            raise WrongAnswer(model, "somebody changed its Deployment before it was judged")
        return deployment

    def routed(self, model: ModelPlan, tell: Tell) -> None:
        """Wait until the gateway, where there is one, has taken up the model's route."""
        if self.gateway is not None and model.traffic is not None:
            self.gateway.wait_for_route(model.traffic, tell)

    def asked(
        self,
        model: str,
        check: GoldenRequest,
        digest: str,
        tell: Tell,
        *,
        service: str | None = None,
        by: tuple[str, str] | None = None,
    ) -> Verdict:
        """Judge a release by its golden request, at the model's Service or at another; `by`: see `Judge`."""
        tell("sending the golden request")
        return self.judge(self.cluster, model, check, digest, service=service, by=by)

    def asked_at_the_gateway(self, model: ModelPlan, tell: Tell) -> None:
        """Judge a release by its golden request once more, the way its clients ask; `WrongAnswer`."""
        if self.front is not None:
            self.front.ask(model, model.check, model.release_digest, tell)

    def keep(self, release: Release, judged: Json, most_s: float, held: HeldBack | None = None) -> None:
        """Record a release that was judged right, alone: what is written of a rollout to it is removed.

        `judged`: its Deployment as it was before; `most_s`: of a start; `held`: what a rollback to it holds back.
        """
        remove_rollout(self.cluster, release.model)
        start = measured_start(self.cluster, release.model, short(release.digest), most_s)
        save(self.cluster, release, judged, start, held)
        remove_strays(self.cluster, release)


def release_of(model: ModelPlan, deployment: Json) -> Release:
    """The release of a plan as it runs, with the image by its digest."""
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

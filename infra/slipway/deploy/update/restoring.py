"""Take back a release that failed: restore the one before, or destroy what never served."""

from dataclasses import dataclass

from slipway.deploy.down import GONE_LIMIT_S, left_of_models, remove_unknown, stopping_s
from slipway.deploy.priority import with_priority
from slipway.deploy.record import Live
from slipway.deploy.update.steps import Steps
from slipway.deploy.way_in import with_way_in
from slipway.errors.base import SlipwayError
from slipway.errors.failures import Interrupted, LeftBehind
from slipway.history.held_back import HeldBack
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.values.aliases import Tell
from slipway.values.names import short, stack


@dataclass(frozen=True)
class Restoring:
    """Takes releases back by the steps of an update."""

    steps: Steps

    def restore(
        self, model: ModelPlan, live: Live | None, previous: Release | None, tell: Tell
    ) -> tuple[str, Release | None]:
        """Restore the verified release, or destroy what never served.

        Returns the sentence for it, and the release that serves again.
        """
        try:
            if previous is not None:
                tell(f"failed; restoring {previous.version}")
                self.bring_back(as_planned(previous, model), tell, model.timing.deadline_s)
                return f"{previous.version} serves again", previous
            if live is not None and live.serves:
                return self._unrestored(model.name, "there is no record of what served before"), None
            tell("failed; destroying what never served")
            self._take_away(model.name, tell)
        except Interrupted:
            raise
        except SlipwayError as error:
            return self._unrestored(model.name, error), None
        return "nothing served before, and what was made has been destroyed", None

    def bring_back(self, previous: Release, tell: Tell, most_s: float, held: HeldBack | None = None) -> None:
        """Run the program of a release as it was, wait for it, judge and record it; raises as an update.

        `held`: what a rollback to it holds back.
        """
        steps = self.steps
        steps.end_rollout(previous.model)
        steps.hand_over.prepare(previous.model, previous.manifests, tell)
        # What the failed update left, and what was deleted for it, is not what the engine believes.
        steps.run(previous.model, steps.programs.release(steps.environment, previous), tell, refresh=True)
        deployment = steps.rolled_out(previous.model, short(previous.digest), tell)
        steps.asked(previous.model, previous.check, previous.digest, tell)
        steps.keep(previous, deployment, most_s, held)

    def _take_away(self, model: str, tell: Tell) -> None:
        """Destroy a stack whose model never served, and wait until its objects are gone: the engine does not."""
        steps, cluster = self.steps, self.steps.cluster
        steps.hand_over.retire(model)
        steps.engine.destroy(stack(steps.environment, model), tell)
        remove_unknown(cluster, steps.environment, [model])
        held, limit_s = ("Lease",), GONE_LIMIT_S + stopping_s(cluster)  # the Lease is this run's
        left = steps.watcher.gone(lambda: left_of_models(cluster, steps.environment, [model], but=held), limit_s)
        if left:
            raise LeftBehind(steps.environment, left)

    def _unrestored(self, model: str, reason: object) -> str:
        """Describe what serves when even restoring failed: a rolling update keeps old pods until new ones are ready."""
        try:
            deployment = self.steps.cluster.read("Deployment", model)
            ready = deployment.get("status", {}).get("availableReplicas", 0) if deployment else 0
            serving = f"{ready} pods serve" if deployment else "nothing serves"
        except SlipwayError:
            serving = "what served keeps serving as long as the cluster runs"
        return f"not restored ({serving}): {reason}"


def as_planned(previous: Release, model: ModelPlan) -> Release:
    """An earlier release with the way in and the priority that are planned for its model now."""
    return with_priority(with_way_in(previous, model), model)

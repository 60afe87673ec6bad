"""Replace the pods of the release that serves, one after the other, and judge it once more; nothing else changes."""

from datetime import UTC, datetime

from slipway.deploy.model_lock import ModelLock
from slipway.deploy.models import Deployer
from slipway.deploy.record import live_model, saved
from slipway.deploy.update.state import rollout_of
from slipway.errors.base import DeployError, Place, SlipwayError, UserError
from slipway.plan.release import Release
from slipway.policy.resource import read
from slipway.values.aliases import Json
from slipway.values.names import RESTARTED_ANNOTATION, short

MANAGER = "slipway-restart"
"""The field manager of one annotation: the engine, which never had it, leaves it alone."""
_MOST_S = 1800.0


class NotRestarted(UserError):
    """There is nothing to restart, or nothing that could be judged afterwards. Nothing was changed."""

    def __init__(self, environment: str, model: str, problem: str, todo: str) -> None:
        super().__init__(
            Place(f"environment {environment}"), model, problem, "a model that serves a judged release", todo
        )


def restart(deployer: Deployer, model: str) -> tuple[Release, SlipwayError | None]:
    """Replace the pods of a model; where the new ones do not serve, the old ones stay.

    Returns:
        The release, and what failed once something was changed.

    Raises:
        NotRestarted: the model sleeps, is rolled out just now, or what is live was never judged right.
        SlipwayError: as whatever looks at it, before anything is changed.
    """
    cluster, tell = deployer.cluster, deployer.tell(model)
    with ModelLock(cluster, model, tell, deployer.cancelled) as lock:
        release = _restartable(deployer, model)
        before = (read(cluster.read("Deployment", model), "spec.template.metadata.annotations") or {}).get(
            RESTARTED_ANNOTATION
        )
        try:
            _stamp(deployer, model, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
            _judge(deployer, release)
        except DeployError as error:
            lock.check()
            _take_back(deployer, release, before)
            return release, error
        except SlipwayError as error:
            return release, error
    return release, None


def _restartable(deployer: Deployer, model: str) -> Release:
    environment, cluster = deployer.environment, deployer.cluster
    live = live_model(cluster, model)
    up = f"slipway up {environment} {model}"
    if live is None:
        raise NotRestarted(environment, model, "is not live", up)
    if rollout_of(cluster, model) is not None:
        todo = f"wait for it, or end it: slipway rollback {environment} {model}"
        raise NotRestarted(environment, model, "is being rolled out: its pods are being replaced anyway", todo)
    if live.asleep:
        raise NotRestarted(environment, model, "has no replica: whoever calls it next gets a new one", "nothing")
    release = saved(cluster, model)
    if release is None or short(release.digest) != live.release:
        raise NotRestarted(environment, model, f"release {live.release} was never judged right", up)
    return release


def _stamp(deployer: Deployer, model: str, when: str | None) -> None:
    """Set the annotation of the pods, or take it away: the Deployment replaces them, as for any change of theirs."""
    body: Json = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": model, "namespace": deployer.cluster.namespace},
    }
    if when is not None:
        body["spec"] = {"template": {"metadata": {"annotations": {RESTARTED_ANNOTATION: when}}}}
    deployer.cluster.apply(body, MANAGER)


def _take_back(deployer: Deployer, release: Release, before: str | None) -> None:
    """Give the pods their former template: those that still serve are of it."""
    tell = deployer.tell(release.model)
    tell("failed; keeping the pods that served")
    try:
        _stamp(deployer, release.model, before)
        _judge(deployer, release)
    except SlipwayError as error:  # the first failure is the one to tell; old pods stay until new ones are ready
        tell(f"the pods that served could not be judged: {error}")


def _judge(deployer: Deployer, release: Release) -> None:
    steps, tell = deployer.steps, deployer.tell(release.model)
    deployment = steps.rolled_out(release.model, short(release.digest), tell)
    steps.asked(release.model, release.check, release.digest, tell)
    steps.keep(release, deployment, _MOST_S)

"""Bring a model back to a release that was judged right before, in one step: nothing is built, no spec of then is read.

What an entry of the history holds is applied as the record of a model is: only as one that our templates give, with
who may call the model, and its priority, as they are planned now. Whoever may write the history gets no rights by it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from slipway.deploy.changes import between
from slipway.deploy.model_lock import ModelLock
from slipway.deploy.models import Deployer, ModelResult
from slipway.deploy.record import Live
from slipway.deploy.record_format import BadRecord, unpacked
from slipway.deploy.restorable import Owner, problems
from slipway.deploy.restorable_scaling import readdressed
from slipway.deploy.update.restoring import as_planned
from slipway.deploy.update.state import remove_rollout, rollout_of
from slipway.errors.base import DeployError, FileRefused, Place, SlipwayError, UserError
from slipway.history.entry import Entry
from slipway.history.held_back import HeldBack
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.values.names import ORIGIN_ANNOTATION, short
from slipway.values.quantities import compact_json

_ALLOWED = "a release of this model, as Slipway writes it"


class ImageGone(UserError):
    """The registry no longer has the image of a release. Nothing was changed."""

    def __init__(self, environment: str, release: Release, entry: Entry) -> None:
        again = f"check out {entry.commit.sha[:12]} and run" if entry.commit else "build it again from its spec with"
        super().__init__(
            Place(f"environment {environment}"),
            f"{release.model} {release.version}",
            f"its image {release.image} is in the registry no more",
            "a release whose image is there",
            f"name another with --to, or {again} slipway up {environment} {release.model}",
        )


class AlreadyLive(UserError):
    """The release is the one that serves. Nothing was changed."""

    def __init__(self, environment: str, model: str, release: str) -> None:
        todo = f"name another with --to, or replace its pods: slipway restart {environment} {model}"
        allowed = f"another release: slipway history {environment} {model}"
        super().__init__(Place(f"environment {environment}"), model, f"release {release} is live", allowed, todo)


class Overtaken(DeployError):
    """Another run deployed something else meanwhile. Nothing was changed."""

    def __init__(self, model: str, wanted: str, live: str | None) -> None:
        there = f"release {live} is" if live else "nothing is"
        super().__init__(
            f"model {model}: release {wanted} was live when this rollback was asked for, and {there} now: another run "
            "was at work; nothing was changed; next: look at `slipway status` and `slipway history`, and ask again"
        )


@dataclass(frozen=True)
class Rolled:
    """How a rollback ended. `lines`: what it changed; `held_back`: digests that `up` leaves alone from then on."""

    done: ModelResult
    lines: tuple[str, ...]
    held_back: tuple[str, ...]


def release_of(entry: Entry, file: str, plan: ModelPlan) -> Release:
    """The release that an entry holds, to be applied; `FileRefused`, with the entry's `file`, when it may not be."""
    owner = Owner.of(plan)
    annotations = {ORIGIN_ANNOTATION: compact_json(entry.origin)} if entry.origin else {}
    try:
        release = readdressed(
            unpacked({"binaryData": entry.packed, "metadata": {"annotations": annotations}}), owner.prometheus
        )
        problem = next(problems(release, owner, [owner.repository]), None)
        if (release.digest, release.version) != (entry.release, entry.version):
            problem = f"it holds release {short(release.digest)} {release.version[:80]}, and says another"
    except BadRecord as error:
        problem = str(error)
    if problem is not None:
        todo = "find out who wrote it, and name another release with --to; Slipway itself never changes an entry"
        raise FileRefused(file, f"cannot be gone back to: {problem}", _ALLOWED, todo)
    return release


def roll_back(
    deployer: Deployer,
    plan: ModelPlan,
    release: Release,
    wanted: Live,
    held: Callable[[Live, tuple[str, ...]], HeldBack | None],
) -> Rolled:
    """Deploy an earlier release, judge it, and make it the one to go back to; where it fails, what served is restored.

    A rollout that is under way ends: its new release is held back as well.

    Args:
        deployer: of the environment.
        plan: of the model, as its spec is now.
        release: the one to go back to, checked.
        wanted: what is live as it was when this was decided; when it is another by then, nothing is changed.
        held: what is held back afterwards, of what is live and the digests that are taken back.
    """
    done = ModelResult(plan.name, release.version)
    lines: tuple[str, ...] = ()
    gone: list[str] = []
    tell = deployer.tell(plan.name)
    try:
        # The calls first, while the judge is there: a route that replays calls to nobody answers none. Whoever waits
        # for the judge holds the lock, and lets go of it when there is nothing to wait for any more.
        if (under_way := rollout_of(deployer.cluster, plan.name)) is not None:
            tell("ending the rollout that is under way")
            gone += [under_way.plan.new.release] if under_way.plan is not None else []
            deployer.steps.end_rollout(plan.name)
            remove_rollout(deployer.cluster, plan.name)
        with ModelLock(deployer.cluster, plan.name, tell, deployer.cancelled) as lock:
            live, previous = deployer.there(plan)
            if live is None or live.release != wanted.release:
                raise Overtaken(plan.name, wanted.release, live.release if live else None)
            done.live, done.previous = live, previous
            if done.previous is not None:
                lines = between(done.previous, release)
            gone += _before(done.previous, release)
            _apply(deployer, plan, release, done, lock, held(live, tuple(gone)))
    except SlipwayError as error:
        done.error = done.error or error
    ending = f"; {done.restored}" if done.restored else ""
    deployer.report(plan.name, f"failed{ending}" if done.error else f"{release.version} serves")
    return Rolled(done, lines, tuple(gone) if done.error is None else ())


def _apply(
    deployer: Deployer, plan: ModelPlan, release: Release, done: ModelResult, lock: ModelLock, held: HeldBack | None
) -> None:
    restoring, tell = deployer.restoring, deployer.tell(plan.name)
    wanted = as_planned(release, plan)
    with deployer.awake(plan.name, done.live, wanted.manifests, done.previous):
        done.began = True
        tell(f"going back to {release.version}")
        try:
            restoring.bring_back(wanted, tell, plan.timing.deadline_s, held=held)
        except DeployError as error:
            lock.check()
            done.error = error
            done.restored, done.brought_back = restoring.restore(plan, done.live, done.previous, tell)


def _before(previous: Release | None, release: Release) -> list[str]:
    return [previous.digest] if previous is not None and previous.digest != release.digest else []

"""Run `rollback`: bring a model back to a release that was judged right before."""

import os
import time
from datetime import UTC, datetime

from slipway import console
from slipway.commands.changing.deploying import deployer_of, recorder_of, write_back_of
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.components.image.build import ImageBuilder
from slipway.deploy.changes import between, told
from slipway.deploy.record import Live, live_model, saved
from slipway.deploy.restorable import Owner, restorable
from slipway.deploy.update.state import Rollout, rollout_of
from slipway.errors.base import DeployError, SlipwayError
from slipway.errors.failures import Interrupted, ModelNotServing, RecordRefused
from slipway.history.choice import before, named
from slipway.history.entry import Entry
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.signing.seal import seal_of
from slipway.values.names import short
from slipway.versions.recorder import Recorder, held_back_after
from slipway.versions.rollback import AlreadyLive, ImageGone, Rolled, release_of, roll_back


def roll_model_back(context: EnvironmentContext, name: str, to: str | None, reason: str, options: Options) -> None:
    """Go back to the last release before the live one that was judged right, or to the one named; judge it.

    Raises, before anything is changed, `UserError`s about what is asked for; `DeployError` when it failed, after what
    served was restored.
    """
    started = time.monotonic()
    context.running.check_account()
    (plan,) = context.models([name])
    recorder = recorder_of(context)
    live = live_model(context.cluster, name)
    if live is None:
        raise ModelNotServing(context.name, name)
    # One that failed is kept for a look: going back removes it.
    rollout = rollout_of(context.cluster, name)
    release, source = _wanted(context, plan, live, rollout, to, recorder)
    if rollout is None and short(release.digest) == live.release and live.serves_verified:
        raise AlreadyLive(context.name, name, live.release)
    _announce(context, live, rollout, release, source)
    confirm(f"roll {name} back to {release.version}", options, changing=True)
    with engine_of(context) as (engine, cancelled), console.Progress() as progress:
        deployer = deployer_of(context, engine, cancelled, progress.report, recorder, options)
        now = datetime.now(UTC)
        rolled = roll_back(
            deployer,
            plan,
            release,
            live,
            lambda there, gone: held_back_after(there, gone, release.digest, recorder.who, now, reason),
        )
        if rolled.done.began:
            recorder.rolled_back(rolled.done, release, source, reason, rolled.lines, rolled.held_back)
            if rolled.done.error is None:
                write_back_of(context).rolled_back(release, source)
        if cancelled.is_set():
            raise Interrupted
    _conclude(context, live, release, rolled, time.monotonic() - started)


def _wanted(
    context: EnvironmentContext,
    plan: ModelPlan,
    live: Live,
    rollout: Rollout | None,
    to: str | None,
    recorder: Recorder,
) -> tuple[Release, Entry | None]:
    """The release to go back to, checked, with its image in the registry; and the entry that holds it.

    While a release is judged beside it, the one before is the one that is live, whose record is in the cluster.
    """
    if rollout is not None and to is None:
        recorded = restorable(context.cluster, Owner.of(plan))
        if recorded is not None and short(recorded.digest) == live.release:
            return recorded, None
    store = recorder.store
    entries = store.entries(context.name, plan.name)
    if to is None:
        entry = before(entries, context.name, plan.name, live.release)
    elif to in store.ids(context.name, plan.name):  # the others may be unreadable
        entry = named([store.read(context.name, plan.name, to)], context.name, plan.name, to)
    else:
        entry = named(entries, context.name, plan.name, to)
    release = release_of(entry, store.file(context.name, plan.name, entry.id), plan)
    if ImageBuilder().pushed(release.image) is None:
        raise ImageGone(context.name, release, entry)
    if (seal := seal_of(context.file, os.environ)) is not None:
        seal.verify_release(context.name, plan.name, release.image, console.message)
    return release, entry


def _announce(
    context: EnvironmentContext, live: Live, rollout: Rollout | None, release: Release, entry: Entry | None
) -> None:
    name = live.model
    console.message(f"  {name} {live.version}, release {live.release} (live)")
    if rollout is not None and rollout.plan is not None:
        new = rollout.plan.new
        console.message(f"  {name} {new.version}, release {short(new.release)}, is beside it: its rollout is ended")
    came = f"{entry.action} of {entry.time:%Y-%m-%d %H:%M} UTC by {entry.who}" if entry else "its record"
    console.message(f"  goes back to {release.version}, release {short(release.digest)} ({came}); nothing is built")
    try:
        recorded = saved(context.cluster, name)
    except RecordRefused:
        recorded = None
    lines = between(recorded, release) if recorded is not None else ()
    for line in told(lines):
        console.message(f"    {line}")


def _conclude(context: EnvironmentContext, live: Live, release: Release, rolled: Rolled, took_s: float) -> None:
    done, name = rolled.done, release.model
    if done.error is not None:
        ending = f"; {done.restored}" if done.restored else ""
        console.message(f"{name} was not rolled back to {release.version}{ending}")
        console.message(f"  {done.error}")
        text = f"rollback of {name} to {release.version} failed"
        raise DeployError(text) if isinstance(done.error, DeployError) else SlipwayError(f"{text}: {done.error}")
    took = console.duration(took_s)
    console.result(
        f"{name} {release.version}, release {short(release.digest)}, serves again; was {live.version}; {took}"
    )
    if rolled.held_back:
        held = ", ".join(short(digest) for digest in rolled.held_back)
        console.result(
            f"held back: release {held}: `slipway up {context.name}` leaves it alone; next: change the spec, or deploy "
            f"it again with `slipway up {context.name} {name} --again`"
        )

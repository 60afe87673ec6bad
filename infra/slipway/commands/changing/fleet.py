"""Change a fleet of devices: put models on it ring by ring, take them off, enrol, retire and revoke devices."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from slipway import console
from slipway.commands.changing.fleet_stack import (
    bring_control_side_up,
    control_side_runs,
    destroy_control_side,
    refuse_unknown_data,
)
from slipway.commands.changing.fleet_weights import on_shelf, tidy_shelf
from slipway.commands.changing.session import Options, confirm
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.commands.inspecting.noting import notes_of
from slipway.edge.conduct import Conductor, FleetReturned, conduct, wait_gone
from slipway.edge.documents import entry, needs_objects
from slipway.edge.kept_rollouts import Going
from slipway.edge.keys import PASSWORD, VARIABLE, FleetKey, write_key
from slipway.edge.particular import particular_of
from slipway.edge.reach import known_key
from slipway.edge.rings import Rollout
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Store
from slipway.environments.planning.fleet import fleet_of
from slipway.errors.base import DeployError, Place, UnknownName, UserError
from slipway.errors.failures import Interrupted
from slipway.plan.model import ModelPlan
from slipway.reading.folders import Folders, find_root
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json

_FIRST_PORT = 8080
"""Of the first model of a fleet on its devices' loopback; the others follow, in the order of names."""


def fleet_settings(context: EnvironmentContext) -> EdgeSettings:
    """The settings of a fleet; raises `UserError` for another kind of environment."""
    settings = fleet_of(context.settings)
    if settings is None:
        place, field = context.file.locate(("kind",))
        todo = "name an environment whose settings say kind: edge"
        raise UserError(place, field, "is no fleet of devices", "kind: edge for this command", todo)
    return settings


@contextmanager
def _conductor(context: EnvironmentContext, settings: EdgeSettings) -> Iterator[tuple[Conductor, Store]]:
    key = known_key(settings, os.environ, find_root(context.folders.settings))
    with fleet_store(context, settings) as store:
        _refuse_other_key(store, key)
        yield Conductor(context.name, settings, store, key, store.clock), store


def _refuse_other_key(store: Store, key: FleetKey) -> None:
    """Refuse a key that devices do not know: they were told one when they enrolled, and take no other's documents."""
    known = store.meta(SIGNING_KEY)
    if known is None:
        with store.changing():
            store.set_meta(SIGNING_KEY, as_text(key.public))
    elif known != as_text(key.public):
        problem = f"names key {key.id}, and devices were enrolled with another"
        allowed = "the key that the fleet's devices know"
        todo = f"name that key; with another one, {store.where} has to go, and every device be added again"
        raise UserError(Place("environment"), VARIABLE, problem, allowed, todo)


def bring_up_fleet(context: EnvironmentContext, settings: EdgeSettings, names: Sequence[str], options: Options) -> None:
    """Build what is not in the registry, then give each model out ring by ring; raises `FleetReturned` if one stops."""
    _refuse_options(options)
    models = sorted(context.models(names), key=lambda model: -settings.particular(model.name).priority)
    for warning in context.complied():
        console.message(f"warning: {warning}")
    if settings.cluster is not None:
        known_key(settings, os.environ, find_root(context.folders.settings))
        # Whoever names models rolls them out, and needs no access to the cluster.
        if not names:
            bring_control_side_up(context, settings.cluster, options)
    with _conductor(context, settings) as (conductor, store):
        enrolled = {one.name for one in store.devices() if one.state == "enrolled"}
        for model in models:
            on = conductor.on(model.name)
            answering = sum(name in enrolled for name in on)
            console.message(f"  {model.name} {model.version}: {len(on)} devices, {answering} of them enrolled")
        confirm(f"bring {context.name} up", options, changing=True)
        notes = notes_of(context)
        notes.settings(context.file.document.value)
        with notes.during("up"), _interruptible() as stopped:
            for model in models:
                said = _said(context, settings, store, model, options)
                devices = tuple(name for name in conductor.on(model.name) if name in enrolled)
                started = conductor.start(said, devices)
                console.message(f"{model.name}: release {said['release']}, {started.phase}")
                _end(context, model, conduct(conductor, model.name, console.message, stopped.wait))
                if stopped.is_set():
                    raise Interrupted
            tidy_shelf(settings, conductor, store)
    console.result(f"fleet `{context.name}` up, models: {', '.join(model.name for model in models) or 'none'}")


def _end(context: EnvironmentContext, model: ModelPlan, rollout: Rollout) -> None:
    if rollout.phase == "stopped":
        raise FleetReturned(context.name, model.name, model.version, rollout.reason)
    if rollout.phase == "paused":
        console.result(f"{model.name} {model.version} is paused; slipway edge resume {context.name} {model.name}")
    elif rollout.phase == "waiting":
        then = f"slipway edge approve {context.name} {model.name}, then up again"
        console.result(f"{model.name} {model.version}: {rollout.reason}; {then}")
    elif rollout.phase == "done":
        console.result(f"{model.name} {model.version}  {rollout.reason}")


def _image(model: ModelPlan) -> str:
    from slipway.components.image.planned import image_args  # noqa: PLC0415 - Pulumi's SDK takes a second

    def tell(text: str) -> None:
        console.message(f"{model.name}: {text}")

    return f"{model.image.repository}@{image_args(model, tell).ensure(_already_told)}"


def _already_told(_: str) -> None:
    """The engine would be told here, and there is none."""


def _said(
    context: EnvironmentContext, settings: EdgeSettings, store: Store, model: ModelPlan, options: Options
) -> Json:
    """What documents say of a model; refused where the fleet gave that back, unless it is asked for again."""
    images = {one: _image(replace(model, image=image)) for one, image in model.images.items()}
    weights = on_shelf(model, store)
    said = planned_entry(context, settings, store, model, images, weights)
    there = {one.model: one for one in store.going()}.get(model.name)
    if there is None or there.release != said["release"] or there.rollout.phase != "stopped":
        return said
    if not options.again:
        raise stopped_before(context, there)
    with store.changing():
        store.set_meta(_attempt_of(model), str(int(store.meta(_attempt_of(model)) or 0) + 1))
    return planned_entry(context, settings, store, model, images, weights)


def stopped_before(context: EnvironmentContext, going: Going) -> UserError:
    """Why a release is refused that the fleet gave back."""
    problem = f"release {going.release} was stopped: {going.rollout.reason}"
    todo = f"change the model, or run slipway up {context.name} {going.model} --again"
    return UserError(*context.name_place(going.model), problem, "a release that was not stopped", todo)


def planned_entry(
    context: EnvironmentContext,
    settings: EdgeSettings,
    store: Store,
    model: ModelPlan,
    images: Mapping[str, str],
    weights: Json | None,
) -> Json:
    """What documents say of a model as it is planned; `images`: by digest, of each architecture; `weights`: outside."""
    port = _FIRST_PORT + [one.name for one in context.plan.models].index(model.name)
    attempt = int(store.meta(_attempt_of(model)) or 0)
    particular = particular_of(settings.particular(model.name))
    with_objects = needs_objects(settings, model.name)
    return entry(model, images, port, attempt, weights, particular, with_objects=with_objects)


def _attempt_of(model: ModelPlan) -> str:
    return f"attempt of {model.name}"


def _refuse_options(options: Options) -> None:
    given = {
        "--refresh": options.refresh, "--prune": options.prune, "--adopt": options.adopt, "--detach": options.detach,
    }  # fmt: skip
    for name, value in given.items():
        if value:
            raise UserError(
                Place("command line"), name, "is about a cluster", "--yes and --again for a fleet", f"leave {name} out"
            )


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM end a wait in order: the rollout stays where it is, and the same command goes on."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        console.message("stopping: the rollout stays where it is")
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_down_fleet(
    context: EnvironmentContext, settings: EdgeSettings, names: Sequence[str], options: Options
) -> None:
    """Take models off every device, and wait for those that answer; the others do it when they come back.

    The control side in a cluster stays, unless `--delete-data` names it and every device was told.
    """
    refuse_unknown_data(context, options.delete_data)
    if options.delete_data and not names and not control_side_runs(context):
        console.message(f"the control side of {context.name} does not run: no device can be told anything")
        destroy_control_side(context, options)
        return
    with _conductor(context, settings) as (conductor, store):
        there = [one.model for one in store.going()]
        for name in names:
            if name not in there:
                raise UnknownName(Place(f"environment {context.name}"), "model", name, there, "name one of those")
        chosen = list(names) or there
        devices = sorted({name for model in chosen for name in conductor.on(model)})
        console.message(f"{', '.join(chosen) or 'no model'} will be taken off {len(devices)} devices")
        confirm(f"take {', '.join(names) or context.name} down", options, changing=bool(chosen))
        with notes_of(context).during("down", ", ".join(names)), _interruptible() as stopped:
            conductor.withdraw(chosen, devices)
            tidy_shelf(settings, conductor, store)
            waiting = wait_gone(store, chosen if names else None, settings.interval, stopped.wait)
            if stopped.is_set():
                raise Interrupted
    left = f"; not heard of yet, and told when they come back: {', '.join(waiting)}" if waiting else ""
    console.result(f"{', '.join(chosen) or 'no model'} taken off {context.name}{left}")
    if settings.cluster is None or names:
        return
    if not options.delete_data:
        todo = f"slipway down {context.name} --delete-data control-side deletes it"
        console.message(f"its control side stays, since devices enrolled with it: {todo}")
    elif waiting:
        raise DeployError(
            f"the control side of {context.name} stays: {', '.join(waiting)} could not be told otherwise; next: run "
            "this again once they were heard of, or retire or revoke them"
        )
    else:
        destroy_control_side(context, options)


def add_device(context: EnvironmentContext, name: str) -> None:
    """Print a new device's one-time token, alone on standard output; what it had before is void."""
    settings = fleet_settings(context)
    known = [one.name for one in settings.devices]
    if name not in known:
        raise UnknownName(context.file.locate(("devices",))[0], "devices", name, known, "add it to devices first")
    with (
        _conductor(context, settings) as (conductor, store),
        notes_of(context).during("device add", name),
        store.changing(),
    ):
        token = store.invite(name)
        conductor.publish([name])
    console.message(f"{name} enrols once with this token at {settings.control}:")
    console.result(token)


def leave_device(context: EnvironmentContext, name: str, *, revoke: bool, options: Options) -> None:
    """Retire a device, which then takes everything off itself, or revoke one, which is answered nothing any more."""
    settings = fleet_settings(context)
    with _conductor(context, settings) as (conductor, store):
        known = [one.name for one in store.devices()]
        if name not in known:
            raise UnknownName(Place(f"fleet {context.name}"), "device", name, known, "name one that was added")
        what = "revoke" if revoke else "retire"
        confirm(f"{what} {name}", options, changing=True)
        with notes_of(context).during("device revoke" if revoke else "device retire", name), store.changing():
            store.set_state(name, f"{what}d")
            conductor.publish([name])
    then = "its requests are refused" if revoke else "it is told to take everything off itself"
    console.result(f"{name} is {what}d: {then}")


def make_key(path: Path, folders: Folders) -> None:
    """Write a new fleet key, encrypted with the password of the environment."""
    key = write_key(path, os.environ, find_root(folders.settings))
    console.result(f"key {key.id} is in {path}; set {VARIABLE} to that, and {PASSWORD}, for up and devices")
    console.result(f"public key: {as_text(key.public)}")

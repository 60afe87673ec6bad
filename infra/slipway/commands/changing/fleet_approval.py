"""Approve a ring of a rollout, so that it may open; pause a rollout, or let it go on."""

from slipway import console
from slipway.commands.changing.fleet import fleet_settings
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.commands.inspecting.noting import notes_of
from slipway.edge.kept_events import happened
from slipway.edge.rings import Rollout, Rules, approved, paused, resumed, rules_of
from slipway.edge.store import Store
from slipway.errors.base import Place, UnknownName, WrongValue
from slipway.settings.edge import EdgeSettings


def approve_ring(context: EnvironmentContext, model: str, ring: str | None) -> None:
    """Approve a ring of a model's rollout, or the one that it waits for; the next `up` goes on.

    Raises:
        UnknownName: the model has no rollout.
        WrongValue: the ring, or where none is named the rollout, waits for no approval.
    """
    settings = fleet_settings(context)
    with fleet_store(context, settings) as store:
        going = {one.model: one for one in store.going()}
        if model not in going:
            raise UnknownName(Place(f"fleet {context.name}"), "model", model, sorted(going), "name one of those")
        release, rollout = going[model].release, going[model].rollout
        name = _asked(context, model, ring, rollout, rules_of(settings, len(rollout.devices)))
        with notes_of(context).during("ring approve", f"{model} {name}", [f"release {release}"]):
            store.changed(lambda: _approve(store, settings, model, name))
    console.result(f"{model}: ring {name} of release {release} is approved; slipway up {context.name} {model} goes on")


def _approve(store: Store, settings: EdgeSettings, model: str, ring: str) -> None:
    going = next(one for one in store.going() if one.model == model)
    now = approved(going.rollout, ring)
    store.set_progress(model, now)
    rings = [one.name for one in settings.rings]
    store.note(happened(model, going.release, going.rollout, now, rings, store.clock()))


def hold_rollout(context: EnvironmentContext, model: str, *, pause: bool) -> None:
    """Pause a rollout, so that it opens no ring, or let it go on with the next `up`."""
    settings = fleet_settings(context)
    with fleet_store(context, settings) as store, store.changing():
        going = {one.model: one for one in store.going()}
        there = {name: one.rollout for name, one in going.items()}
        if model not in there:
            raise UnknownName(Place(f"fleet {context.name}"), "model", model, sorted(there), "name one of those")
        rollout = paused(there[model]) if pause else resumed(there[model])
        store.set_progress(model, rollout)
        rings = [ring.name for ring in settings.rings]
        store.note(happened(model, going[model].release, there[model], rollout, rings, store.clock()))
    then = f"; slipway up {context.name} {model} goes on" if rollout.phase == "rolling" else ""
    console.result(f"{model} is {rollout.phase}{then}")


def _asked(context: EnvironmentContext, model: str, ring: str | None, rollout: Rollout, rules: Rules) -> str:
    ended = rollout.phase in ("done", "stopped")
    ahead = () if ended else rules.names[rollout.ring + 1 :]
    waiting = [name for name in ahead if name in rules.approvals and name not in rollout.approved]
    name = ring if ring is not None else next(iter(waiting), "")
    if name in waiting:
        return name
    allowed = ", ".join(waiting) or "a rollout with a ring ahead of it that has approval: true and was not approved"
    field, value = ("--ring", ring) if ring is not None else ("model", model)
    todo = f"slipway status {context.name} {model} says where its rollout is"
    raise WrongValue(Place(f"fleet {context.name}"), field, value, "waits for no approval", allowed, todo)

"""Change the key that signs what devices run: introduce another one, and retire the old one once devices know that."""

import os
from pathlib import Path

from slipway import console
from slipway.commands.changing.fleet import fleet_settings
from slipway.commands.changing.session import Options, confirm
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.commands.inspecting.noting import notes_of
from slipway.edge.conduct import Conductor
from slipway.edge.keys import VARIABLE, FleetKey, FleetKeyRefused, fleet_key, key_id, of_base64
from slipway.edge.signing import SIGNING_KEY, as_text, set_told_keys, told_keys
from slipway.edge.store import Store
from slipway.errors.base import UserError
from slipway.reading.folders import find_root
from slipway.settings.edge import EdgeSettings
from slipway.values.listing import some

_NAMED_MOST = 20


def introduce_key(context: EnvironmentContext, path: Path) -> None:
    """Tell devices, in documents that the present key signs, to take those of another key, too.

    `path`: of the other key, with the password of the environment. Run again, it says who has not heard of it yet.

    Raises:
        FleetKeyRefused: one of the keys cannot be used, is not the fleet's, or both are one.
    """
    settings = _replaceable(context)
    root = find_root(context.folders.settings)
    key = fleet_key(os.environ, root)
    new = fleet_key(os.environ | {VARIABLE: str(path)}, root)
    with fleet_store(context, settings) as store:
        if store.meta(SIGNING_KEY) != as_text(key.public):
            raise FleetKeyRefused(f"names key {key.id}, which devices do not take", "name the key that `up` works with")
        if new.public == key.public:
            raise FleetKeyRefused(f"names key {key.id}, which is the one in {path}", f"make another one for {path}")
        keys = [as_text(key.public), as_text(new.public)]
        if told_keys(store) != keys:
            with notes_of(context).during("fleet key introduce", new.id), store.changing():
                set_told_keys(store, keys)
                conductor = Conductor(context.name, settings, store, key, store.clock)
                conductor.publish([one.name for one in store.devices()])
        waiting = not_heard(store)
    console.result(f"key {new.id} is introduced beside {key.id}{_waiting(waiting)}")
    then = f"{VARIABLE}={path} slipway devices retire-key {context.name}"
    console.message(f"once all have taken their documents: {then}")


def _replaceable(context: EnvironmentContext) -> EdgeSettings:
    """The settings of a fleet whose key can be replaced; raises `UserError` for one that a cluster carries.

    There the key also signs commands, and is in the settings: both would have to change at one moment.
    """
    settings = fleet_settings(context)
    if settings.cluster is not None:
        place, field = context.file.locate(("cluster", "public_key"))
        problem, allowed = "is of a control side in a cluster, whose key is not replaced", "a fleet without cluster"
        raise UserError(place, field, problem, allowed, "leave it, or make another fleet and add its devices there")
    return settings


def retire_key(context: EnvironmentContext, options: Options) -> None:
    """Sign every document with the introduced key, which $SLIPWAY_FLEET_KEY names, and have devices forget the old one.

    Raises:
        FleetKeyRefused: no key was introduced, or another one than that is named.
    """
    settings = _replaceable(context)
    new = fleet_key(os.environ, find_root(context.folders.settings))
    with fleet_store(context, settings) as store:
        old = _old_key(store, new)
        waiting = not_heard(store)
        if waiting:
            console.message(f"{len(waiting)} devices refuse every document from then on, and have to be added again")
            console.message(f"{some(waiting, _NAMED_MOST)}: their last report is older than their document")
        confirm(f"retire key {old} for {new.id}", options, changing=True)
        with notes_of(context).during("fleet key retire", old, waiting), store.changing():
            store.set_meta(SIGNING_KEY, as_text(new.public))
            set_told_keys(store, [as_text(new.public)])
            conductor = Conductor(context.name, settings, store, new, store.clock)
            conductor.publish([one.name for one in store.devices()])
    console.result(f"key {new.id} signs what devices run, and {old} is void{_waiting(waiting)}")


def _old_key(store: Store, new: FleetKey) -> str:
    """The id of the key that is retired; refused where `new` was not introduced beside it."""
    keys, present = told_keys(store), store.meta(SIGNING_KEY)
    if len(keys) < 2 or present is None:
        raise FleetKeyRefused("cannot be retired: no other was introduced", "slipway devices introduce-key first")
    if as_text(new.public) not in keys or as_text(new.public) == present:
        others = [key_id(of_base64(one, 32) or b"") for one in keys if one != present]
        raise FleetKeyRefused(f"names key {new.id}, which was not introduced", f"name key {', '.join(others)}")
    return key_id(of_base64(present, 32) or b"")


def not_heard(store: Store) -> list[str]:
    """Devices that are enrolled and have not reported their last document, by name."""
    found = []
    for device in store.devices():
        document = store.document(device.name)
        serial = (device.report or {}).get("serial", 0)
        if device.state == "enrolled" and document is not None and serial < document[0]:
            found.append(device.name)
    return found


def _waiting(names: list[str]) -> str:
    return f"; not heard of yet: {some(names, _NAMED_MOST)}" if names else "; every device has its document"

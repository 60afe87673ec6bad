"""Reach what the control side of a fleet keeps: a file on this machine, or over HTTP where a cluster carries it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from slipway.edge.keys import FleetKey, FleetKeyRefused, fleet_key, key_id, of_base64
from slipway.edge.remote import RemoteStore
from slipway.edge.store import VARIABLE, Store, opened
from slipway.settings.edge import EdgeSettings


def store_path(environment: str, variables: Mapping[str, str]) -> Path:
    """The file of a fleet: $SLIPWAY_FLEET_STORE, else below XDG_STATE_HOME, which is ~/.local/state."""
    if named := variables.get(VARIABLE):
        return Path(named)
    base = variables.get("XDG_STATE_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    return home / "slipway" / "fleets" / f"{environment}.sqlite"


@contextmanager
def reached(fleet: str, settings: EdgeSettings, variables: Mapping[str, str], root: Path) -> Iterator[Store]:
    """The store of a fleet, closed afterwards; `root`: of the project.

    Raises `FleetKeyRefused` where commands have to be signed and the key that is named is not the settings'.
    """
    if settings.cluster is None:
        with opened(store_path(fleet, variables)) as store:
            yield store
        return
    store = RemoteStore(settings.control, fleet, known_key(settings, variables, root))
    try:
        yield store
    finally:
        store.close()


def known_key(settings: EdgeSettings, variables: Mapping[str, str], root: Path) -> FleetKey:
    """The key that $SLIPWAY_FLEET_KEY names, which has to be the one that the settings name, if they do."""
    key = fleet_key(variables, root)
    if settings.cluster is not None and of_base64(settings.cluster.public_key, 32) != key.public:
        named = key_id(of_base64(settings.cluster.public_key, 32) or b"")
        problem = f"names key {key.id}, and cluster.public_key of the settings is of key {named}"
        raise FleetKeyRefused(problem, "name the key whose public half is in the settings")
    return key

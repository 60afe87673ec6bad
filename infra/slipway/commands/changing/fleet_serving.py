"""Serve the control side of a fleet from a file of this machine."""

import os

from slipway import console
from slipway.commands.changing.fleet import fleet_settings
from slipway.commands.context import EnvironmentContext
from slipway.edge.reach import store_path
from slipway.edge.serving import Listen, serve
from slipway.edge.shelf import Shelf, shelf_path
from slipway.edge.store import opened
from slipway.errors.base import UserError


def serve_fleet(context: EnvironmentContext, listen: Listen) -> None:
    """Answer devices until interrupted; refused where a cluster carries the fleet, of which the file knows nothing."""
    if fleet_settings(context).cluster is not None:
        place, field = context.file.locate(("cluster",))
        todo = f"slipway up {context.name} makes and serves it there; remove cluster to serve it here"
        raise UserError(place, field, "carries the control side", "a fleet without cluster for this command", todo)
    path = store_path(context.name, os.environ)
    with opened(path) as store:
        serve(context.name, store, Shelf(shelf_path(path)), listen, console.message)

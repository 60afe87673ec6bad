"""Put the admin API and the page together, as routes for the application on the admin port."""

from collections.abc import Callable, Collection

from starlette.routing import BaseRoute

from slipway_keys.admin.api import AdminApi
from slipway_keys.admin.page import Page
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database.pool import Database
from slipway_keys.waking.room import Room


def admin_routes(
    database: Database, passes: AdminPasses, models: Callable[[], Collection[str]], room: Room
) -> list[BaseRoute]:
    """The routes of /admin and /page.

    Args:
        database: of keys and ledger.
        passes: those of the environment's key.
        models: gives the names of the models that have a route now.
        room: where calls wait for models without a replica.
    """
    return [*AdminApi(database, passes, models, room).routes(), Page(database, passes, models).mount()]

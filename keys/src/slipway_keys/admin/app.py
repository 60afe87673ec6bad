"""Put the admin API and the page together, as routes for the application on the admin port."""

from starlette.routing import BaseRoute

from slipway_keys.admin.api import AdminApi
from slipway_keys.admin.page import Page
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database.pool import Database
from slipway_keys.rules.routes import Routes
from slipway_keys.waking.room import Room


def admin_routes(database: Database, passes: AdminPasses, rules: Routes, room: Room) -> list[BaseRoute]:
    """The routes of /admin and /page.

    Args:
        database: of keys and ledger.
        passes: those of the environment's key.
        rules: of all models.
        room: where calls wait for models without a replica.
    """
    return [*AdminApi(database, passes, rules, room).routes(), Page(database, passes, rules.models).mount()]

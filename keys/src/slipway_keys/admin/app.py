"""Put the admin API and the page together, as routes for the application on the admin port."""

from collections.abc import Callable, Collection

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.routing import BaseRoute

from slipway_keys.admin.api import AdminApi
from slipway_keys.admin.authorization import Passes
from slipway_keys.admin.page import Page
from slipway_keys.database.pool import Database


def admin_routes(database: Database, key: Ed25519PrivateKey, models: Callable[[], Collection[str]]) -> list[BaseRoute]:
    """The routes of /admin and /page.

    Args:
        database: of keys and ledger.
        key: the environment's, which passes are signed with.
        models: gives the names of the models that have a route now.
    """
    passes = Passes(key)
    return [*AdminApi(database, passes, models).routes(), Page(database, passes, models).mount()]

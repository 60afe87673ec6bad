"""The parts of the service, put together."""

from dataclasses import dataclass

from slipway_keys.check.admission import Admission
from slipway_keys.check.protocol import Checks
from slipway_keys.credentials import passes as signing
from slipway_keys.credentials.known import KnownKeys
from slipway_keys.credentials.oidc import Issuers
from slipway_keys.credentials.passes import Passes
from slipway_keys.database.password import ManagedPassword
from slipway_keys.database.pool import Database
from slipway_keys.ledger.journal import Journal
from slipway_keys.ledger.writer import Writer
from slipway_keys.limits.deciding import Limits
from slipway_keys.limits.local import LocalRates
from slipway_keys.rules import watcher as watching
from slipway_keys.rules.collection import Collection
from slipway_keys.rules.routes import Routes
from slipway_keys.rules.watcher import Watcher
from slipway_keys.telemetry.metrics import Metrics
from slipway_keys.values.clock import Clock
from slipway_keys.values.config import Config
from slipway_keys.waking import endpoints as endpoint_slices
from slipway_keys.waking.endpoints import Endpoints
from slipway_keys.waking.room import Room


@dataclass(frozen=True)
class Parts:
    """Everything that runs."""

    database: Database
    journal: Journal
    writer: Writer
    keys: KnownKeys
    routes: Routes
    watcher: Watcher
    endpoints: Endpoints
    room: Room
    passes: Passes
    checks: Checks
    metrics: Metrics


def build(config: Config) -> Parts:
    """Make all parts, inside of the loop; nothing of them waits or listens yet.

    Raises:
        SigningKeyError: the signing key cannot be used.
        OSError: the journal cannot be written.
    """
    metrics = Metrics()
    clock = Clock()
    passes = signing.load(config.signing_key)
    database = Database(config.url, ManagedPassword(config.database_secret) if config.database_secret else None)
    journal = Journal(config.journal)
    keys = KnownKeys(database, clock)
    routes = Routes(config.journal / "routes.json")

    def collection(group: str, plural: str, watch_s: int) -> Collection:
        return Collection(config.service_account, config.api_url, group, plural, watch_s)

    watcher = Watcher(routes, collection(watching.GROUP, watching.PLURAL, watching.WATCH_S))
    slices = collection(endpoint_slices.GROUP, endpoint_slices.PLURAL, endpoint_slices.WATCH_S)
    endpoints = Endpoints(routes, slices, metrics.ready_endpoints)
    room = Room(routes, endpoints, metrics.holding)
    admission = Admission(
        routes=routes,
        watcher=watcher,
        keys=keys,
        issuers=Issuers(),
        passes=passes,
        limits=Limits(database),
        unpaid=LocalRates(),
        room=room,
        journal=journal,
        clock=clock,
        metrics=metrics,
    )
    metrics.watch("journal_pending_bytes", "Bytes that wait for the database", lambda: journal.pending_bytes)
    metrics.watch("database_reachable", "1 when the database answered last", lambda: float(database.reachable))
    metrics.watch("known", "Keys in memory", lambda: len(keys))
    return Parts(
        database=database,
        journal=journal,
        writer=Writer(journal, database, metrics.lines),
        keys=keys,
        routes=routes,
        watcher=watcher,
        endpoints=endpoints,
        room=room,
        passes=passes,
        checks=Checks(admission.decide, metrics.check_seconds.observe),
        metrics=metrics,
    )

"""Back up the database of keys and ledger, and restore it, by PostgreSQL's own programs in its own pod.

They have the server's version, and reach it by its loopback; the password stays in the pod. Keys are in it as hashes.
"""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from slipway.backup.errors import NoDatabase
from slipway.cluster.pod_program import Streams
from slipway.errors.base import SlipwayError
from slipway.values.names import KEYS_DATABASE, component_labels

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster

LIMIT_S = 3600.0
_ASK_S = 60.0
_CONTAINER = "postgres"
_OWN_KEY = "slipway-up"
"""Keys of `slipway up` itself, one for each golden request: nobody misses them."""
_LOGIN = """\
export PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")" PGHOST=127.0.0.1 PGUSER="$POSTGRES_USER"
export PGDATABASE="${POSTGRES_DB:-$POSTGRES_USER}"
psql="psql --quiet --no-psqlrc --tuples-only --no-align --set=ON_ERROR_STOP=1"
"""
_ASK = _LOGIN + 'exec $psql --command="$1"'
# The state of rate limits is left out: it is unlogged, since after a crash a full bucket is right.
_DUMP = _LOGIN + "exec pg_dump --format=custom --no-owner --no-privileges --no-unlogged-table-data"
# All of it is one transaction, which ends only after the dump was read to its end: a connection that breaks off, or a
# dump that is none, changes nothing (`\.` ends the table whose rows were being read). The schema goes as a whole, so
# that nothing of a newer version stays beside the old one. Connections of the keys service are ended before, since they
# hold what has to go, and after, since they remember what went; it opens others and asks for all keys anew.
_RESTORE = (
    _LOGIN  # noqa: S608 - nothing is put into it
    + r"""
cut="SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()"
set -e
$psql --command="$cut"
{
    printf '%s\n' 'BEGIN;' "SET lock_timeout = '60s';" 'SET client_min_messages = warning;' \
        'DROP SCHEMA public CASCADE;' 'CREATE SCHEMA public;'
    if head -c "$1" | pg_restore --no-owner --no-privileges --file=-; then
        echo 'COMMIT;'
    else
        printf '%s\n' '\.' 'SELECT 1/0;'
    fi
} | $psql --output=/dev/null
$psql --command="$cut"
"""
)
_THERE = "SELECT to_regclass('public.ledger') IS NOT NULL AND to_regclass('public.access_requests') IS NOT NULL"
_NEWER = (
    "SELECT (SELECT count(*) FROM keys WHERE (created_at > '{at}' OR revoked_at > '{at}') AND name <> '{own}'), "
    "(SELECT count(*) FROM ledger WHERE admitted_at > '{at}' "
    "AND account NOT IN (SELECT account FROM keys WHERE name = '{own}')), "
    "(SELECT count(*) FROM access_requests WHERE asked_at > '{at}' OR decided_at > '{at}')"
)


@dataclass(frozen=True)
class Newer:
    """How much of a database a backup does not have: keys made or revoked, calls, requests for access."""

    keys: int
    calls: int
    requests: int

    def __bool__(self) -> bool:
        return bool(self.keys or self.calls or self.requests)

    def __str__(self) -> str:
        return f"{self.keys} keys made or revoked, {self.calls} calls, {self.requests} requests for access"


class LedgerDatabase:
    """The database of an environment, in its own cluster."""

    def __init__(self, cluster: "Cluster", environment: str) -> None:
        """Raises `NoDatabase` where no pod of it is ready, and what `Cluster` raises."""
        self._cluster = cluster
        labels = ",".join(f"{key}={value}" for key, value in component_labels(KEYS_DATABASE).items())
        ready = [pod["metadata"]["name"] for pod in cluster.list("Pod", labels) if _ready(pod)]
        if not ready:
            raise NoDatabase(environment, f"no pod of {cluster.namespace}/{KEYS_DATABASE} is ready")
        self._at = (ready[0], _CONTAINER)

    def dump(self, into: BinaryIO) -> None:
        """Write a backup as of one moment, while calls go on."""
        self._run(_DUMP, Streams(into), LIMIT_S)

    def newer(self, taken_at: datetime) -> Newer:
        """How much is in it that a backup of that time does not have; nothing in a database that is still empty."""
        if self._ask(_THERE) != "t":
            return Newer(0, 0, 0)
        at = taken_at.astimezone(UTC).isoformat()
        keys, calls, requests = self._ask(_NEWER.format(at=at, own=_OWN_KEY)).split("|")
        return Newer(int(keys), int(calls), int(requests))

    def restore(self, backup: BinaryIO, size: int) -> None:
        """Replace all that is in it by a backup of `size` bytes, or change nothing and raise."""
        self._run(_RESTORE, Streams(io.BytesIO(), backup), LIMIT_S, str(size))

    def _ask(self, statement: str) -> str:
        said = io.BytesIO()
        self._run(_ASK, Streams(said), _ASK_S, statement)
        return said.getvalue().decode().strip()

    def _run(self, script: str, streams: Streams, limit_s: float, *arguments: str) -> None:
        self._cluster.in_pod(self._at, ("sh", "-c", script, "sh", *arguments), streams, limit_s)


def reached(cluster: "Cluster", environment: str) -> "LedgerDatabase | SlipwayError":
    """The database, or why it is not there: with the cluster it may be lost, too."""
    try:
        return LedgerDatabase(cluster, environment)
    except SlipwayError as error:
        return error


def _ready(pod: dict[str, object]) -> bool:
    status: dict[str, list[dict[str, str]]] = pod.get("status", {})  # type: ignore[assignment]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))

"""The database is dumped and replaced by the scripts that run in its pod, here by a shell beside a real PostgreSQL."""

import asyncio
import io
import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from slipway_keys.database.migrate import migrate, migrations
from slipway_keys.database.pool import Database

from slipway.backup.database import LedgerDatabase, Newer, reached
from slipway.backup.errors import NoDatabase
from slipway.cluster.pod_program import ProgramFailed, Streams
from slipway.values.names import KEYS_DATABASE, component_labels
from tests.support.fake_cluster import FakeCluster
from tests.support.postgres import PASSWORD, USER, Postgres, postgres

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY, OWN = "a" * 12, "b" * 12


class PodCluster(FakeCluster):
    """Runs what is to run in the database's pod in a shell that finds the server as the pod does."""

    def __init__(self, server: Postgres, folder: Path, *, ready: bool = True) -> None:
        super().__init__()
        status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
        labels = component_labels(KEYS_DATABASE)
        self.create({"kind": "Pod", "metadata": {"name": "keys-database-1", "labels": labels}, "status": status})
        (folder / "password").write_text(PASSWORD)
        self.commands: list[Sequence[str]] = []
        self.environ = {
            **os.environ,
            **server.environment,
            "PATH": f"{server.binaries}:{os.environ['PATH']}",
            "PGPORT": str(server.port),
            "POSTGRES_PASSWORD_FILE": str(folder / "password"),
            "POSTGRES_USER": USER,
            "POSTGRES_DB": "keys",
        }

    def in_pod(self, at: tuple[str, str], command: Sequence[str], streams: Streams, limit_s: float) -> None:
        assert at == ("keys-database-1", "postgres")
        self.commands.append(command)
        given = streams.given.read() if streams.given else b""
        done = subprocess.run(command, input=given, capture_output=True, env=self.environ, timeout=60, check=False)
        streams.taken.write(done.stdout)
        if done.returncode:
            raise ProgramFailed(at[0], command[0], str(done.returncode), done.stderr.decode())


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


def run(server: Postgres, *statements: str, database: str = "keys") -> list[Any]:
    async def asked() -> list[Any]:
        connection = await asyncpg.connect(server.url(database), timeout=10)
        try:
            found = [await connection.fetch(statement) for statement in statements]
        finally:
            await connection.close()
        return list(found[-1])

    return asyncio.run(asked())


def rows(server: Postgres) -> list[tuple[Any, ...]]:
    return [tuple(row) for table in ("keys", "ledger", "budgets") for row in run(server, f"SELECT * FROM {table}")]


def key(id_: str, name: str, created_at: datetime) -> str:
    return (
        "INSERT INTO keys (id, account, secret_sha256, name, models, roles, created_at) VALUES "
        f"('{id_}', '{id_}', '\\x{'00' * 32}', '{name}', '{{sums}}', '{{predict}}', '{created_at.isoformat()}')"
    )


def call(id_: str, account: str, at: datetime) -> str:
    return (
        "INSERT INTO ledger (request_id, key, account, model, admitted_at, reserved, due_at) VALUES "
        f"('{id_}', '{account}', '{account}', 'sums', '{at.isoformat()}', true, '{at.isoformat()}')"
    )


@pytest.fixture
def cluster(server: Postgres, tmp_path: Path) -> PodCluster:
    """A database of the keys service's own making, with a key and two calls."""
    run(server, "DROP DATABASE IF EXISTS keys WITH (FORCE)", "CREATE DATABASE keys", database="postgres")

    async def migrated() -> None:
        database = Database(lambda: server.url("keys"))
        await migrate(database, migrations())
        await database.close()

    asyncio.run(migrated())
    before = NOW - timedelta(hours=1)
    run(server, key(KEY, "Web “shop”", before), call("one", KEY, before), call("two", KEY, before))
    return PodCluster(server, tmp_path)


def dumped(cluster: PodCluster) -> bytes:
    into = io.BytesIO()
    LedgerDatabase(cluster, "local").dump(into)
    return into.getvalue()


def test_a_restored_database_is_as_it_was_and_nothing_newer_stays_in_it(server: Postgres, cluster: PodCluster) -> None:
    before = rows(server)
    dump = dumped(cluster)
    later = ("CREATE TABLE of_a_newer_version (id int)", "DELETE FROM ledger WHERE request_id = 'one'")
    run(server, *later, "INSERT INTO rates VALUES ('someone', 1)", call("three", KEY, NOW))
    LedgerDatabase(cluster, "local").restore(io.BytesIO(dump), len(dump))
    assert rows(server) == before
    assert run(server, "SELECT to_regclass('public.of_a_newer_version') AS table")[0]["table"] is None
    # Its functions and triggers are there too: a key that is made is told to whoever listens, limits begin anew.
    run(server, key("c" * 12, "another", NOW))
    assert run(server, "SELECT * FROM rates") == []
    # And once more, as after a run that was killed.
    LedgerDatabase(cluster, "local").restore(io.BytesIO(dump), len(dump))
    assert rows(server) == before


def test_an_empty_database_is_filled(server: Postgres, cluster: PodCluster) -> None:
    before = rows(server)
    dump = dumped(cluster)
    run(server, "DROP DATABASE keys WITH (FORCE)", "CREATE DATABASE keys", database="postgres")
    ledger = LedgerDatabase(cluster, "local")
    assert not ledger.newer(NOW)
    ledger.restore(io.BytesIO(dump), len(dump))
    assert rows(server) == before


@pytest.mark.parametrize("left", [0.3, 0.6, 0.9, 0.99])
def test_a_connection_that_breaks_off_changes_nothing(server: Postgres, cluster: PodCluster, left: float) -> None:
    columns = "request_id, key, account, model, admitted_at, reserved, due_at"
    values = "md5(n::text), 'k', 'k', 'sums', now(), true, now()"
    run(server, f"INSERT INTO ledger ({columns}) SELECT {values} FROM generate_series(1, 5000) n")
    dump = dumped(cluster)
    run(server, "DELETE FROM ledger WHERE request_id = 'one'")
    before = rows(server)
    with pytest.raises(ProgramFailed):
        LedgerDatabase(cluster, "local").restore(io.BytesIO(dump[: int(len(dump) * left)]), len(dump))
    assert rows(server) == before


def test_what_is_no_dump_changes_nothing(server: Postgres, cluster: PodCluster) -> None:
    before = rows(server)
    with pytest.raises(ProgramFailed, match=r"does not appear to be a valid archive"):
        LedgerDatabase(cluster, "local").restore(io.BytesIO(b"DROP TABLE keys;\n"), 17)
    assert rows(server) == before


def test_connections_of_the_keys_service_do_not_hold_a_restore_up(server: Postgres, cluster: PodCluster) -> None:
    dump = dumped(cluster)

    async def held() -> bool:
        connection = await asyncpg.connect(server.url("keys"), timeout=10)
        await connection.execute("BEGIN; LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
        ledger = LedgerDatabase(cluster, "local")
        await asyncio.to_thread(ledger.restore, io.BytesIO(dump), len(dump))
        return bool(connection.is_closed())

    assert asyncio.run(held())


def test_what_a_backup_has_not_is_counted_without_the_keys_of_up_itself(server: Postgres, cluster: PodCluster) -> None:
    ledger, after = LedgerDatabase(cluster, "local"), NOW + timedelta(minutes=1)
    run(server, key(OWN, "slipway-up", after), call("golden", OWN, after))
    assert (ledger.newer(NOW), bool(ledger.newer(NOW))) == (Newer(0, 0, 0), False)
    revoked = f"UPDATE keys SET revoked_at = '{after.isoformat()}' WHERE id = '{KEY}'"
    run(server, key("c" * 12, "another", after), revoked, call("three", KEY, after))
    assert ledger.newer(NOW) == Newer(2, 1, 0)
    assert str(ledger.newer(NOW)) == "2 keys made or revoked, 1 calls, 0 requests for access"
    assert ledger.newer(after) == Newer(0, 0, 0)


def test_no_password_is_in_a_command(cluster: PodCluster) -> None:
    dumped(cluster)
    assert cluster.commands
    assert PASSWORD not in str(cluster.commands)


def test_a_database_that_does_not_run_is_said(server: Postgres, tmp_path: Path) -> None:
    cluster = PodCluster(server, tmp_path, ready=False)
    with pytest.raises(NoDatabase, match=r"no pod of .*/keys-database is ready; next: run slipway up local --refresh"):
        LedgerDatabase(cluster, "local")
    assert isinstance(reached(cluster, "local"), NoDatabase)

"""Migrations: from an empty database, from each earlier version, by several replicas at once."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from slipway_keys.database.migrate import Migration, MigrationError, migrate, migrations
from slipway_keys.database.pool import Database

COLUMNS = (
    "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns "
    "WHERE table_schema = 'public' ORDER BY 1"
)


async def _apply(url: str, wanted: list[Migration]) -> int:
    database = Database(lambda: url)
    try:
        return await migrate(database, wanted)
    finally:
        await database.close()


async def _columns(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(COLUMNS)]
    finally:
        await connection.close()


def test_an_empty_database_gets_every_migration_once(empty_url: str) -> None:
    assert asyncio.run(_apply(empty_url, migrations())) == len(migrations())
    assert asyncio.run(_apply(empty_url, migrations())) == 0
    assert "ledger.request_id text" in asyncio.run(_columns(empty_url))


@pytest.mark.parametrize("version", range(1, len(migrations()) + 1))
def test_a_database_of_an_earlier_version_becomes_as_a_new_one(empty_url: str, server, version: int) -> None:  # type: ignore[no-untyped-def]
    asyncio.run(_apply(empty_url, migrations()[:version]))
    assert asyncio.run(_apply(empty_url, migrations())) == len(migrations()) - version

    async def new() -> list[str]:
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE DATABASE new_{version}")
        await connection.close()
        await _apply(server.url(f"new_{version}"), migrations())
        return await _columns(server.url(f"new_{version}"))

    assert asyncio.run(_columns(empty_url)) == asyncio.run(new())


def test_replicas_that_start_together_migrate_once(empty_url: str) -> None:
    async def together() -> list[int]:
        return await asyncio.gather(*(_apply(empty_url, migrations()) for _ in range(5)))

    assert sorted(asyncio.run(together())) == [0, 0, 0, 0, len(migrations())]


def test_an_older_version_goes_on_with_a_newer_database(empty_url: str) -> None:
    newer = [*migrations(), Migration(len(migrations()) + 1, "9999_more.sql", "CREATE TABLE more (id int)")]
    asyncio.run(_apply(empty_url, newer))
    assert asyncio.run(_apply(empty_url, migrations())) == 0


def test_a_failing_migration_leaves_nothing_behind(empty_url: str) -> None:
    broken = Migration(len(migrations()) + 1, "9999_broken.sql", "CREATE TABLE half (id int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        asyncio.run(_apply(empty_url, [*migrations(), broken]))
    assert asyncio.run(_columns(empty_url)) == []


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(empty_url: str) -> None:
    asyncio.run(_apply(empty_url, migrations()))
    first, *rest = migrations()
    with pytest.raises(MigrationError, match=r"0001_keys_and_ledger\.sql is not what was applied"):
        asyncio.run(_apply(empty_url, [Migration(1, first.name, first.sql + "\n"), *rest]))


@pytest.mark.parametrize(
    ("names", "message"),
    [(["1_x.sql"], "is no migration's name"), (["0001_a.sql", "0003_c.sql"], r"numbers \[1, 3\]")],
)
def test_misnamed_files_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(MigrationError, match=message):
        migrations(tmp_path)

"""Bring the database to the schema of this version: numbered SQL files, each applied once, forward only."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from slipway_keys.database.pool import Database
from slipway_keys.telemetry.log import log

FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
# An arbitrary number that all replicas share: one migrates, the others wait for it.
_LOCK = 7_205_759_403
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The database's schema is not of this product's making; the message says what differs."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The digest of its text: a file that was applied must never change."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """Return all migrations in their order.

    Raises:
        MigrationError: a file's name is not NNNN_words.sql, or numbers are missing or given twice.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: is no migration's name; allowed: 0002_what_it_does.sql")
        found.append(Migration(int(match[1]), path.name, path.read_text()))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations have the numbers {numbers}; allowed: 1, 2, 3 ..., each once")
    return found


async def migrate(database: Database, wanted: list[Migration]) -> int:
    """Apply what is missing, all in one transaction, and return how many that were.

    A database that has more migrations than this version knows belongs to a newer one, which is being rolled out;
    since migrations only add, this version goes on working with it.

    Raises:
        MigrationError: a migration that was applied is not the file of its number.
        AwayError: the database is away.
    """
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_TABLE)
        applied = {
            row["number"]: row["sha256"] for row in await connection.fetch("SELECT number, sha256 FROM migrations")
        }
        for migration in wanted:
            if applied.get(migration.number, migration.sha256) != migration.sha256:
                raise MigrationError(
                    f"{migration.name} is not what was applied to this database under its number; restore the file "
                    "and write a new migration"
                )
        missing = [migration for migration in wanted if migration.number not in applied]
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migrations (number, name, sha256) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.sha256,
            )
    if missing:
        log("migrated", names=[migration.name for migration in missing])
    return len(missing)

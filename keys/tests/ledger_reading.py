"""The database as a test asks it: keys made, ledger and budgets read."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg
from slipway_keys.database import keys
from slipway_keys.database.migrate import migrate, migrations
from slipway_keys.database.pool import Database
from slipway_keys.values.keys import Budget, Key, Rate, Role

Result = TypeVar("Result")


class Books:
    """Calls of the repository, and queries, on an event loop of their own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._runner = asyncio.Runner()
        self.database = Database(lambda: url)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for something that is awaited."""
        return self._runner.run(work)

    def migrate(self) -> None:
        """Bring the schema, before any replica has."""
        self.run(migrate(self.database, migrations()))

    def key(
        self,
        *models: str,
        roles: tuple[Role, ...] = ("predict",),
        rate: Rate | None = None,
        budget: Budget | None = None,
        expires_in: timedelta | None = None,
    ) -> tuple[Key, str]:
        """Make a key."""
        self.migrate()
        now = self.query("SELECT now()")[0][0]
        return self.run(
            keys.create(
                self.database,
                name="a test",
                models=models or ("digits",),
                roles=roles,
                rate=rate,
                budget=budget,
                expires_at=now + expires_in if expires_in is not None else None,
            )
        )

    def query(self, sql: str, *values: object) -> list[Any]:
        """Return rows."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self._url)
            try:
                return list(await connection.fetch(sql, *values))
            finally:
                await connection.close()

        return self.run(ask())

    def lines(self) -> dict[str, Any]:
        """Return the ledger by request."""
        return {row["request_id"]: row for row in self.query("SELECT * FROM ledger")}

    def close(self) -> None:
        """Close all connections."""
        self.run(self.database.close())
        self._runner.close()

"""How often keys call models, out of the ledger: who asks far more than ever may be copying a model."""

import asyncio
from collections.abc import Callable, Sequence

from slipway_keys.database.pool import AwayError, Database
from slipway_keys.values.traffic import Traffic

MOST = 50
"""Callers that are told of: of thousands of keys, those that could be too many calls are the busiest."""


async def busiest(database: Database, most: int = MOST) -> list[Traffic]:
    """Return who called most in the last 24 hours; AwayError when the database is."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT account, model, calls, usual FROM busiest($1)", most)
    return [Traffic(row["account"], row["model"], row["calls"], row["usual"]) for row in rows]


async def watch(database: Database, every_s: float, show: Callable[[Sequence[Traffic]], None]) -> None:
    """Show the busiest callers for ever; nobody while the database is away."""
    while True:
        try:
            show(await busiest(database))
        except AwayError:
            show([])
        await asyncio.sleep(every_s)

"""The ledger's statements: lines written, calls admitted within limits, lines given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from slipway_keys.database.pool import Database

ADMIT_LIMIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What limits say of a call.

    Attributes:
        outcome: admitted; rate: too many at once; budget: used up; held: the rest is held for calls that go on.
        wait_s: after how long the call can be admitted.
    """

    outcome: str
    wait_s: float


async def write(database: Database, lines: bytes) -> tuple[int, int]:
    """Write lines (a JSON array) and return how many reservations and settlements were new."""
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM write_ledger($1::jsonb)", lines.decode())
    return row["reservations"], row["settlements"]


async def give_up_unsettled(database: Database, most: int = 5000) -> int:
    """Mark what nothing settled in time; return how many lines that were."""
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT give_up_unsettled($1)", most))


async def admit(database: Database, calls: Sequence[dict[str, Any]]) -> list[Verdict]:
    """Decide about calls in one statement; each is counted only if all its limits admit it."""
    numbered = [{**call, "n": number} for number, call in enumerate(calls)]
    async with database.connection(ADMIT_LIMIT_S) as connection:
        rows = await connection.fetch(
            "SELECT n, verdict, wait_s FROM admit($1::jsonb) ORDER BY n", orjson.dumps(numbered).decode()
        )
    return [Verdict(row["verdict"], row["wait_s"]) for row in rows]

"""The ledger's statements: lines written, calls admitted within limits, lines given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from slipway_keys.database.pool import Database

ADMIT_LIMIT_S = 0.5
# Most environments keep no answers, and their batches need no second statement.
_ANSWER = b'"kind":"answer"'


@dataclass(frozen=True, slots=True)
class Verdict:
    """What limits say of a call.

    Attributes:
        outcome: admitted; rate: too many at once; budget: used up; held: the rest is held for calls that go on.
        wait_s: after how long the call can be admitted.
    """

    outcome: str
    wait_s: float


async def write(database: Database, lines: bytes) -> dict[str, int]:
    """Write lines (a JSON array), all or none, and return how many of each kind were new."""
    async with database.connection() as connection, connection.transaction():
        row = await connection.fetchrow("SELECT * FROM write_ledger($1::jsonb)", lines.decode())
        written = {"reservation": int(row["reservations"]), "settlement": int(row["settlements"])}
        if _ANSWER in lines:
            written["answer"] = int(await connection.fetchval("SELECT write_answers($1::jsonb)", lines.decode()))
    return written


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

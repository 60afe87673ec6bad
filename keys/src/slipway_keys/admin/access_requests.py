"""Requests for access: made by anybody on the page, decided by an operator, collected once by who asked.

Who asks gets a code, of which only the hash is kept. The key is made when it is collected with that code: the operator
who approves never sees it. What anybody may write is bounded in size, number and rate.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson

from slipway_keys.admin.bodies import AccessRequest, Terms
from slipway_keys.admin.refusals import Refused, conflict, unknown
from slipway_keys.database import keys
from slipway_keys.database.pool import Database
from slipway_keys.values.keys import Key, hashed

MOST_PENDING = 100
MOST_A_MINUTE = 10
_LOCK = 0x51_1B_1A_02
"""Of those who make requests, so that two at once do not both become the hundredth."""
_COLUMNS = "id, name, contact, models, state, asked_at, decided_at"
_EVERY = f"SELECT {_COLUMNS} FROM access_requests ORDER BY state <> 'pending', asked_at, id LIMIT 1000"  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM access_requests WHERE id = $1"  # noqa: S608
_LOCKED = f"SELECT {_COLUMNS}, terms, code_sha256 FROM access_requests WHERE id = $1 FOR UPDATE"  # noqa: S608
_DECIDE = f"""
    UPDATE access_requests SET state = $2, terms = $3, decided_at = now() WHERE id = $1 AND state = 'pending'
    RETURNING {_COLUMNS}
"""  # noqa: S608
_COUNTS = """
    SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE asked_at > now() - interval '1 minute')
    FROM access_requests
"""
_FORGET = """
    DELETE FROM access_requests
    WHERE (state = 'pending' AND asked_at < now() - interval '30 days')
       OR (state <> 'pending' AND decided_at < now() - interval '14 days')
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `state`: pending, approved or refused; one that was collected is gone."""

    id: str
    name: str
    contact: str
    models: tuple[str, ...]
    state: str
    asked_at: datetime
    decided_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        decided = self.decided_at.isoformat() if self.decided_at else None
        return {
            "id": self.id,
            "name": self.name,
            "contact": self.contact,
            "models": list(self.models),
            "state": self.state,
            "asked_at": self.asked_at.isoformat(),
            "decided_at": decided,
        }


async def ask(database: Database, wanted: AccessRequest) -> tuple[str, str]:
    """Keep a request; gives its id and the code to collect the key with. `Refused` (429) where there are too many."""
    identifier = secrets.token_hex(6)
    code = secrets.token_urlsafe(32)
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_FORGET)
        pending, lately = await connection.fetchrow(_COUNTS)
        if pending >= MOST_PENDING or lately >= MOST_A_MINUTE:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests wait for an answer; next: try again later")
        await connection.execute(
            "INSERT INTO access_requests (id, code_sha256, name, contact, models) VALUES ($1, $2, $3, $4, $5)",
            identifier,
            hashed(code),
            wanted.name,
            wanted.contact,
            list(wanted.models),
        )
    return identifier, f"{identifier}_{code}"


async def every(database: Database) -> list[Request]:
    """All requests, those that wait first, the oldest of each first."""
    async with database.connection() as connection:
        rows = await connection.fetch(_EVERY)
    return [_request(row) for row in rows]


async def find(database: Database, identifier: str) -> Request:
    """One request; `Refused` (404) where there is none."""
    async with database.connection() as connection:
        row = await connection.fetchrow(_FIND, identifier)
    if row is None:
        raise unknown("request", identifier)
    return _request(row)


async def decide(database: Database, identifier: str, terms: Terms | None) -> Request:
    """Approve a request on some terms, or refuse it without; `Refused` (409) where it was decided before."""
    async with database.connection() as connection:
        row = await connection.fetchrow(
            _DECIDE,
            identifier,
            "refused" if terms is None else "approved",
            None if terms is None else terms.model_dump_json(),
        )
    if row is None:
        there = await find(database, identifier)
        raise conflict("request", identifier, f"is {there.state} already")
    return _request(row)


async def collect(database: Database, code: str) -> tuple[Request, Key | None, str | None]:
    """What became of the request that a code was given for; the first time after it was approved with the new key.

    Raises `Refused` (404) for a code of no request, of one that was collected, and of one that is forgotten.
    """
    identifier, _, secret = code.strip().partition("_")
    async with database.connection() as connection, connection.transaction():
        row = await connection.fetchrow(_LOCKED, identifier[:40])
        if row is None or not secrets.compare_digest(bytes(row["code_sha256"]), hashed(secret)):
            raise Refused(HTTPStatus.NOT_FOUND, "no request has this code, or its key was collected; next: ask again")
        request = _request(row)
        if request.state != "approved":
            return request, None, None
        terms = _terms(row["terms"])
        rate = terms.rate.value() if terms.rate else None
        budget = terms.budget.value() if terms.budget else None
        key, text = await keys.insert(
            connection, request.name, request.models, terms.roles, terms.expires_at, rate, budget
        )
        await connection.execute("DELETE FROM access_requests WHERE id = $1", request.id)
    return request, key, text


def _terms(text: str) -> Terms:
    """Terms as they were approved; an expiry that has passed since then gives an expired key, and is no error."""
    values = orjson.loads(text)
    expires_at = values.pop("expires_at")
    terms = Terms.model_validate(values)
    moment = datetime.fromisoformat(expires_at).astimezone(UTC) if expires_at else None
    return terms.model_copy(update={"expires_at": moment})


def _request(row: Any) -> Request:
    return Request(
        row["id"],
        row["name"],
        row["contact"],
        tuple(row["models"]),
        row["state"],
        row["asked_at"],
        row["decided_at"],
    )

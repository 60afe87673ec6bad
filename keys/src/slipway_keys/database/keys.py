"""Keys in the database: made, looked up, rotated, revoked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from slipway_keys.database.pool import Connection, Database
from slipway_keys.values.keys import Budget, Key, Rate, Role, hashed, new_key, split

_COLUMNS = (
    "id, account, secret_sha256, name, models, roles, rate_count, rate_per_s, budget_calls, budget_usd, budget_period, "
    "created_at, expires_at, revoked_at, rotated_from"
)

# Put together out of constants alone.
_BY_IDS = f"SELECT {_COLUMNS} FROM keys WHERE id = ANY($1)"  # noqa: S608
_EVERY = f"SELECT {_COLUMNS} FROM keys ORDER BY created_at DESC, id"  # noqa: S608
_LOCKED = f"SELECT {_COLUMNS} FROM keys WHERE id = $1 FOR UPDATE"  # noqa: S608
_INSERT = (
    "INSERT INTO keys (id, account, secret_sha256, name, models, roles, rate_count, rate_per_s, budget_calls, "  # noqa: S608
    "budget_usd, budget_period, expires_at, rotated_from) "
    f"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING {_COLUMNS}"
)


class NoKeyError(Exception):
    """There is no such key, or it is not alive any more; the message says which."""


async def create(
    database: Database,
    *,
    name: str,
    models: Sequence[str],
    roles: Sequence[Role],
    expires_at: datetime | None = None,
    rate: Rate | None = None,
    budget: Budget | None = None,
) -> tuple[Key, str]:
    """Make a key; return it with its text, of which only a hash is kept."""
    async with database.connection() as connection:
        return await insert(connection, name, models, roles, expires_at, rate, budget)


async def by_ids(database: Database, ids: Sequence[str], wait_s: float) -> tuple[dict[str, Key], datetime]:
    """Return those keys of `ids` that there are, and the database's time."""
    async with database.connection(wait_s) as connection:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()", timeout=wait_s)
        rows = await connection.fetch(_BY_IDS, ids, timeout=wait_s)
    return {row["id"]: _key(row) for row in rows}, now


async def every(database: Database) -> list[Key]:
    """Return all keys, the newest first."""
    async with database.connection() as connection:
        rows = await connection.fetch(_EVERY)
    return [_key(row) for row in rows]


async def rotate(database: Database, key_id: str, grace: timedelta) -> tuple[Key, str]:
    """Make the successor of a key, which itself is good for `grace` longer; return it with its text.

    The successor has the same account: it shares limits and budget with its predecessor.

    Raises:
        NoKeyError: no such key, or it is revoked or expired.
    """
    async with database.connection() as connection, connection.transaction():
        old = await _locked(connection, key_id)
        expired = await connection.fetchval("SELECT $1::timestamptz <= now()", old.expires_at)
        if old.revoked_at is not None or expired:
            raise NoKeyError(f"key {key_id} is {'revoked' if old.revoked_at else 'expired'}; create a new one")
        made = await insert(
            connection, old.name, sorted(old.models), sorted(old.roles), old.expires_at, old.rate, old.budget, old
        )
        await connection.execute(
            "UPDATE keys SET expires_at = least(expires_at, now() + $2::interval) WHERE id = $1", key_id, grace
        )
    return made


async def revoke(database: Database, key_id: str) -> Key:
    """Revoke a key for good; one that is revoked stays as it is.

    Raises:
        NoKeyError: no such key.
    """
    async with database.connection() as connection, connection.transaction():
        await _locked(connection, key_id)
        await connection.execute("UPDATE keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL", key_id)
        return await _locked(connection, key_id)


async def _locked(connection: Connection, key_id: str) -> Key:
    row = await connection.fetchrow(_LOCKED, key_id)
    if row is None:
        raise NoKeyError(f"there is no key {key_id!r}; `slipway keys list` shows all")
    return _key(row)


async def insert(
    connection: Connection,
    name: str,
    models: Sequence[str],
    roles: Sequence[Role],
    expires_at: datetime | None,
    rate: Rate | None,
    budget: Budget | None,
    rotated_from: Key | None = None,
) -> tuple[Key, str]:
    """Make a key in a transaction of the caller's; see `create`."""
    key_id, text = new_key()
    parts = split(text)
    assert parts is not None  # noqa: S101 - what new_key makes
    row = await connection.fetchrow(
        _INSERT,
        key_id,
        rotated_from.account if rotated_from else key_id,
        hashed(parts[1]),
        name,
        list(models),
        list(roles),
        rate.count if rate else None,
        rate.per_s if rate else None,
        budget.calls if budget else None,
        budget.usd if budget else None,
        budget.period if budget else None,
        expires_at,
        rotated_from.id if rotated_from else None,
    )
    return _key(row), text


def _key(row: Any) -> Key:
    rate = Rate(row["rate_count"], row["rate_per_s"]) if row["rate_count"] else None
    budget = Budget(row["budget_calls"], row["budget_usd"], row["budget_period"]) if row["budget_period"] else None
    return Key(
        id=row["id"],
        account=row["account"],
        secret_sha256=row["secret_sha256"],
        name=row["name"],
        models=frozenset(row["models"]),
        roles=cast("frozenset[Role]", frozenset(row["roles"])),
        rate=rate,
        budget=budget,
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        rotated_from=row["rotated_from"],
    )

"""Give the calls of the ledger as events that metering services take, one JSON object a line.

CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md), as OpenMeter ingests them
(https://openmeter.io/docs/metering/events/overview), and Lago's events (https://getlago.com/docs/api-reference/events/event-object).
The id of an event is the call's request id, so that an export that is sent twice counts once there.

Only calls whose end is known are exported: what costs nothing yet must not be taken for nothing by a service that keeps the first
event of an id.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from slipway_keys.database.pool import Database

EVENT_TYPE = "slipway.model.call"
LAGO_CODE = "slipway_model_call"
_PAGE = 1000
_LINES = """
    SELECT request_id, key, account, model, admitted_at, status, bytes_in, bytes_out, seconds, compute_s, tokens, cost_usd
    FROM ledger
    WHERE (admitted_at, request_id) > ($1, $2) AND admitted_at < $3 AND settled_at IS NOT NULL
    ORDER BY admitted_at, request_id LIMIT $4
"""


def cloud_event(line: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A call as a CloudEvent; its subject is the account: the id of the first key of a chain of rotations."""
    return {
        "specversion": "1.0",
        "id": line["request_id"],
        "source": source,
        "type": EVENT_TYPE,
        "subject": line["account"],
        "time": line["admitted_at"].isoformat(),
        "datacontenttype": "application/json",
        "data": _amounts(line),
    }


def lago_event(line: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A call as an event of Lago's: the account is the subscription, by the id that you give it there."""
    return {
        "transaction_id": line["request_id"],
        "external_subscription_id": line["account"],
        "code": LAGO_CODE,
        "timestamp": int(line["admitted_at"].timestamp()),
        "precise_total_amount_cents": _text(line["cost_usd"] * 100),
        "properties": {"source": source, **_amounts(line)},
    }


FORMATS: Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "cloudevents": cloud_event,
    "lago": lago_event,
}


async def events(
    database: Database, first: datetime, after: datetime, form: str, source: str
) -> AsyncIterator[bytes]:
    """Calls admitted from `first` on and before `after`, oldest first, in pieces of whole lines.

    Each piece is a query of its own: a slow reader holds no transaction open.
    """
    shape = FORMATS[form]
    last, identifier = first, ""
    while True:
        async with database.connection() as connection:
            rows = await connection.fetch(_LINES, last, identifier, after, _PAGE)
        if rows:
            yield b"".join(orjson.dumps(shape(row, source)) + b"\n" for row in rows)
        if len(rows) < _PAGE:
            return
        last, identifier = rows[-1]["admitted_at"], rows[-1]["request_id"]


async def line(database: Database, request_id: str) -> dict[str, Any] | None:
    """The line of one request as JSON values; None where there is none."""
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM ledger WHERE request_id = $1", request_id)
    if row is None:
        return None
    state = "settled" if row["settled_at"] else "unsettled" if row["unsettled"] else "open"
    told = {name: value for name, value in row.items() if not name.startswith("budget_")}
    return {"state": state} | {
        name: _text(value) if isinstance(value, Decimal) else value.isoformat() if isinstance(value, datetime) else value
        for name, value in told.items()
    }


def _amounts(line: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured; what was not is left out. Exact amounts are texts."""
    found = {
        "model": line["model"],
        "key": line["key"],
        "status": line["status"],
        "calls": 1,
        "bytes_in": line["bytes_in"],
        "bytes_out": line["bytes_out"],
        "seconds": line["seconds"],
        "compute_seconds": _text(line["compute_s"]),
        "tokens": line["tokens"],
        "usd": _text(line["cost_usd"]),
    }
    return {name: value for name, value in found.items() if value is not None}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"

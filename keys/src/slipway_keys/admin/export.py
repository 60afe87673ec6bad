"""Give the calls of the ledger as events that metering services take.

CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md), as OpenMeter ingests them
(https://openmeter.io/docs/metering/events/overview), and Lago's events
(https://getlago.com/docs/api-reference/events/event-object). The id of an event is the call's request id, so that an
export that is sent twice counts once there.

Only calls whose end is known are exported: what costs nothing yet must not be taken for nothing by a service that keeps
the first event of an id.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from slipway_keys.admin.refusals import wrong
from slipway_keys.admin.statement import exact
from slipway_keys.database.pool import Database

EVENT_TYPE = "slipway.model.call"
LAGO_CODE = "slipway_model_call"
_PAGE = 1000
_LINES = """
    SELECT request_id, key, account, model, admitted_at, status, bytes_in, bytes_out, seconds, compute_s, tokens,
        cost_usd
    FROM ledger
    WHERE admitted_at >= $1 AND (admitted_at, request_id) > ($1, $2) AND admitted_at < $3 AND settled_at IS NOT NULL
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
        "precise_total_amount_cents": exact(line["cost_usd"] * 100),
        "properties": {"source": source, **_amounts(line)},
    }


FORMATS: Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "cloudevents": cloud_event,
    "lago": lago_event,
}


async def page(
    database: Database, first: datetime, after: datetime, form: str, source: str, cursor: str
) -> tuple[list[dict[str, Any]], str | None]:
    """Up to a thousand calls admitted from `first` on and before `after`, oldest first, as events.

    Args:
        cursor: what the page before gave; empty for the first. `Refused` for another text.

    Returns:
        The events, and the cursor of the next page; None where there is none.
    """
    last, identifier = _position(cursor) if cursor else (first, "")
    async with database.connection() as connection:
        rows = await connection.fetch(_LINES, max(first, last), identifier, after, _PAGE)
    more = f"{rows[-1]['admitted_at'].isoformat()}/{rows[-1]['request_id']}" if len(rows) == _PAGE else None
    return [FORMATS[form](row, source) for row in rows], more


def _position(cursor: str) -> tuple[datetime, str]:
    moment, _, identifier = cursor.partition("/")
    try:
        last = datetime.fromisoformat(moment)
        if last.tzinfo is None:
            raise ValueError(moment)
    except ValueError:
        raise wrong("after", "is no cursor", "`next` of the page before") from None
    return last, identifier


async def line(database: Database, request_id: str) -> dict[str, Any] | None:
    """The line of one request as JSON values; None where there is none."""
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM ledger WHERE request_id = $1", request_id)
    if row is None:
        return None
    return {
        name: exact(value)
        if isinstance(value, Decimal)
        else value.isoformat()
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
        if not name.startswith("budget_")
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
        "compute_seconds": exact(line["compute_s"]),
        "tokens": line["tokens"],
        "usd": exact(line["cost_usd"]),
    }
    return {name: value for name, value in found.items() if value is not None}

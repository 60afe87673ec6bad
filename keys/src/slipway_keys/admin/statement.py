"""Sum the ledger: a month's statement of one account, and usage by key, model and day.

An account is a key and all that were rotated from it. All times are UTC. A call belongs to the day and month in which
it was admitted, and has the prices of that moment; what was not measured (null) costs nothing and is shown as unknown,
not as zero.

A model's subscription begins with an account's first call of a month, at the price of that call; it includes the first
so many calls that cost something.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from slipway_keys.admin.refusals import wrong
from slipway_keys.database.pool import Database

_CENT = Decimal("0.01")
GROUPS = {"key": "ledger.account", "model": "ledger.model", "day": "(ledger.admitted_at AT TIME ZONE 'UTC')::date"}
"""What usage may be summed by, and the expression of each."""
_MOST_ROWS = 100_000

_MEASURED = """
    count(*) AS calls,
    count(*) FILTER (WHERE ledger.state = 'settled' AND NOT (
        ledger.status BETWEEN 1 AND 499 OR (ledger.status = 0 AND ledger.flags LIKE '%DC%')
    )) AS failed,
    count(*) FILTER (WHERE ledger.state = 'unsettled') AS unsettled,
    count(*) FILTER (WHERE ledger.state = 'reserved') AS open,
    sum(ledger.bytes_in)::bigint AS bytes_in,
    sum(ledger.bytes_out)::bigint AS bytes_out,
    sum(ledger.compute_s) AS compute_seconds,
    sum(ledger.tokens)::bigint AS tokens
"""

_STATEMENT = f"""
    SELECT ledger.model, {_MEASURED},
        count(*) FILTER (WHERE charged AND nth <= included_first) AS included,
        coalesce(sum(cost_usd) FILTER (WHERE charged AND nth > included_first), 0) AS calls_usd,
        max(per_month) AS subscription_usd
    FROM (
        SELECT *,
            row_number() OVER (PARTITION BY model, charged ORDER BY admitted_at, request_id) AS nth,
            first_value(price_per_month) OVER (PARTITION BY model ORDER BY admitted_at, request_id) AS per_month,
            first_value(included_calls) OVER (PARTITION BY model ORDER BY admitted_at, request_id) AS included_first
        FROM (
            SELECT *, coalesce(cost_usd, 0) > 0 AS charged FROM ledger
            WHERE account = $1 AND admitted_at >= $2 AND admitted_at < $3
        ) AS line
    ) AS ledger
    GROUP BY ledger.model ORDER BY ledger.model
"""  # noqa: S608 - of constants only


@dataclass(frozen=True, slots=True)
class Line:
    """A model's part of a statement.

    Attributes:
        failed: calls that the service did not answer; they cost nothing.
        unsettled: calls whose end nobody reported; they cost nothing.
        open: calls that are not over, or not reported yet.
        included: calls that would have cost something and are part of the subscription.
        calls_usd: what the other calls cost.
        usd: that and the subscription, unrounded.
    """

    model: str
    calls: int
    failed: int
    unsettled: int
    open: int
    bytes_in: int | None
    bytes_out: int | None
    compute_seconds: Decimal | None
    tokens: int | None
    included: int
    calls_usd: Decimal
    subscription_usd: Decimal

    @property
    def usd(self) -> Decimal:
        """What the model costs in this month."""
        return self.calls_usd + self.subscription_usd


@dataclass(frozen=True, slots=True)
class Statement:
    """What an account used in a month. `final`: the month is over and no call of it is open."""

    account: str
    name: str
    month: str
    final: bool
    lines: tuple[Line, ...]

    @property
    def total_usd(self) -> Decimal:
        """The sum, in whole cents; only here something is rounded."""
        return sum((line.usd for line in self.lines), Decimal()).quantize(_CENT, ROUND_HALF_UP)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; amounts are texts, since they are exact."""
        return {
            "key": self.account,
            "name": self.name,
            "month": self.month,
            "state": "final" if self.final else "preliminary",
            "lines": [_plain(asdict(line) | {"usd": line.usd}) for line in self.lines],
            "total_usd": str(self.total_usd),
        }


async def statement(database: Database, account: str, name: str, month: str, now: datetime | None = None) -> Statement:
    """The statement of an account for a month, `YYYY-MM`; raises `Refused` for another text."""
    first, after = month_bounds(month)
    async with database.connection() as connection:
        rows = await connection.fetch(_STATEMENT, account, first, after)
    lines = tuple(Line(**dict(row)) for row in rows)
    over = (now or datetime.now(tz=UTC)) >= after
    return Statement(account, name, month, over and not any(line.open for line in lines), lines)


async def usage(
    database: Database, first: datetime, after: datetime, by: Sequence[Literal["key", "model", "day"]]
) -> list[dict[str, Any]]:
    """Sum what was admitted from `first` on and before `after`, by some of key, model and day.

    Raises `Refused` where that gives more than 100,000 rows.
    """
    columns = ", ".join(f"{GROUPS[name]} AS {name}" for name in by)
    numbers = ", ".join(str(index + 1) for index in range(len(by)))
    query = f"""
        SELECT {columns}, {_MEASURED}, coalesce(sum(ledger.cost_usd), 0) AS usd
        FROM ledger WHERE admitted_at >= $1 AND admitted_at < $2
        GROUP BY {numbers} ORDER BY {numbers} LIMIT {_MOST_ROWS + 1}
    """  # noqa: S608 - of GROUPS only
    async with database.connection() as connection:
        rows = await connection.fetch(query, first, after)
        named = dict(await connection.fetch("SELECT id, name FROM keys WHERE id = account")) if "key" in by else {}
    if len(rows) > _MOST_ROWS:
        raise wrong(
            "from", "gives more than 100,000 rows", "fewer days, or fewer columns in `by`", "ask for less at once"
        )
    return [_plain(dict(row) | ({"name": named.get(row["key"])} if "key" in by else {})) for row in rows]


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month, `YYYY-MM`, and that of the next; raises `Refused` for another text."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        if first.strftime("%Y-%m") != month:
            raise ValueError(month)
    except ValueError:
        raise wrong("month", f"{month[:20]!a} is not a month", "YYYY-MM, for example 2026-11") from None
    year, index = divmod(first.year * 12 + first.month, 12)
    return first, first.replace(year=year, month=index + 1)


def exact(amount: Decimal | None) -> str | None:
    """An amount as a text, without an exponent and without zeros at its end; None for what was not measured."""
    if amount is None:
        return None
    return f"{amount:f}".rstrip("0").rstrip(".") if "." in f"{amount:f}" else f"{amount:f}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Amounts as texts without an exponent, days as texts."""
    return {
        name: exact(value) if isinstance(value, Decimal) else value if isinstance(value, int | None) else str(value)
        for name, value in row.items()
    }

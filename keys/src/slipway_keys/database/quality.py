"""What models answered and what turned out to be right: taken, joined, measured, and deleted in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from slipway_keys.database.pool import Connection, Database
from slipway_keys.values.quality import Cell, Quality, classified
from slipway_keys.values.route import QualitySection

PATIENCE_S = 600.0
"""How long feedback waits for its answer: the gateway's log comes seconds after it, and later from a full journal."""
MOST_WAITING = 10_000
"""Feedbacks of one model that wait for their answers."""
MOST_ROWS = 1_000_000
"""Rows of all models together; beyond it, those that would be deleted next go early."""
MOST_CELLS = 10_000
"""Of a confusion matrix; one with more is of a model whose labels are no classes."""
MOST_MEASURED = 100_000
"""Feedbacks of a window of time that are measured, the newest: more of them would keep the database for seconds."""

# What a window has, the newest feedback first. The version is asked for here: a window of so many is of that one alone.
_CHOSEN = """
WITH chosen AS (
    SELECT version, predicted, score, label, rating, outcome FROM quality
    WHERE model = $1 AND labelled_at IS NOT NULL AND answered_at IS NOT NULL
        AND ($2::interval IS NULL OR labelled_at > now() - $2::interval) AND ($3::text IS NULL OR version = $3)
    ORDER BY labelled_at DESC, request_id, row LIMIT $4
)
"""
# Put together out of constants alone.
_SUMS = f"""{_CHOSEN}
SELECT version, count(*) AS feedbacks, count(label) AS labels, count(rating) AS ratings, avg(rating) AS rating,
    count(outcome) AS outcomes, avg(outcome) AS outcome
FROM chosen GROUP BY version ORDER BY version
"""  # noqa: S608
_CELLS = f"""{_CHOSEN}
SELECT version, label, predicted, count(*) AS times FROM chosen WHERE label IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3 LIMIT {MOST_CELLS + 1}
"""  # noqa: S608
# The share of pairs of a positive and a negative in which the positive has the higher score, equal ones by half:
# Mann and Whitney's U over the number of pairs.
_AREAS = f"""{_CHOSEN}, scores AS (
    SELECT version, score, count(*) FILTER (WHERE label = $5) AS positives, count(*) FILTER (WHERE label <> $5) AS negatives
    FROM chosen WHERE label IS NOT NULL AND score IS NOT NULL GROUP BY 1, 2
), ranked AS (
    SELECT *, sum(negatives) OVER (PARTITION BY version ORDER BY score) - negatives AS below FROM scores
)
SELECT version, (sum(positives * (below + negatives / 2.0)) / nullif(sum(positives) * sum(negatives), 0))::double precision AS area
FROM ranked GROUP BY version
"""  # noqa: E501, S608
_ERRORS = f"""{_CHOSEN}
SELECT version, sqrt(avg(power(predicted::double precision - label::double precision, 2))) AS rmse,
    avg(abs(predicted::double precision - label::double precision)) AS mae
FROM chosen WHERE label IS NOT NULL GROUP BY version
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says of one row of an answer: at least one of the three, the others None.

    Attributes:
        request_id: of the call.
        row: of its answer, from 0.
        label: what would have been right.
        rating: how good it was, by whoever got it.
        outcome: what came of it, in whatever unit.
    """

    request_id: str
    row: int
    label: str | None
    rating: float | None
    outcome: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured: the last `seconds`, or the last `labels`; of one version, or of each (None)."""

    seconds: float | None = None
    labels: int | None = None
    version: str | None = None


class TooManyClassesError(Exception):
    """A confusion matrix would have more than `MOST_CELLS` cells: what was given as labels are no classes."""


async def give(database: Database, model: str, items: Sequence[Feedback], within_s: float) -> list[str]:
    """Take feedback and return what became of each item, as give_feedback() names it; AwayError: of none."""
    lines = [
        {
            "n": number,
            "request_id": item.request_id,
            "row": item.row,
            "label": item.label,
            "rating": item.rating,
            "outcome": item.outcome,
        }
        for number, item in enumerate(items)
    ]
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT n, state FROM give_feedback($1, $2::jsonb, $3, $4, $5) ORDER BY n",
            model,
            orjson.dumps(lines).decode(),
            timedelta(seconds=within_s),
            timedelta(seconds=PATIENCE_S),
            MOST_WAITING,
        )
    return [str(row["state"]) for row in rows]


async def measure(database: Database, model: str, section: QualitySection, asked: Asked) -> list[Quality]:
    """Return how good each version was, in the order of their names.

    Raises:
        TooManyClassesError: there is no such confusion matrix.
        AwayError: the database is.
    """
    window = timedelta(seconds=asked.seconds) if asked.seconds is not None else None
    chosen = (model, window, asked.version, asked.labels or MOST_MEASURED)
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        sums = await connection.fetch(_SUMS, *chosen)
        if section.task == "regression":
            return _of_numbers(sums, await connection.fetch(_ERRORS, *chosen))
        return await _of_classes(connection, sums, chosen, section.positive)


async def _of_classes(
    connection: Connection, sums: Sequence[Any], chosen: tuple[Any, ...], positive: str | None
) -> list[Quality]:
    found = await connection.fetch(_CELLS, *chosen)
    if len(found) > MOST_CELLS:
        raise TooManyClassesError
    areas: dict[str, float | None] = {}
    if positive is not None:
        areas = {row["version"]: row["area"] for row in await connection.fetch(_AREAS, *chosen, positive)}
    qualities = []
    for row in sums:
        cells = [
            Cell(one["label"], one["predicted"], one["times"]) for one in found if one["version"] == row["version"]
        ]
        measures, classes = classified(cells, positive)
        area = areas.get(row["version"])
        measures |= {"roc_auc": area} if area is not None else {}
        qualities.append(_quality(row, measures, classes, cells))
    return qualities


def _of_numbers(sums: Sequence[Any], errors: Sequence[Any]) -> list[Quality]:
    by_version = {row["version"]: {"rmse": row["rmse"], "mae": row["mae"]} for row in errors}
    return [_quality(row, by_version.get(row["version"], {})) for row in sums]


def _quality(row: Any, measures: dict[str, float], classes: Sequence[Any] = (), cells: Sequence[Cell] = ()) -> Quality:
    means = {name: row[name] for name in ("rating", "outcome") if row[name] is not None}
    counts = {name: row[name] for name in ("feedbacks", "labels", "ratings", "outcomes")}
    return Quality(row["version"], measures=measures | means, classes=classes, confusion=cells, **counts)


async def sweep(database: Database) -> tuple[dict[str, int], int]:
    """Delete what has had its time.

    Returns:
        how many feedbacks of each model waited in vain, and how many rows went early.
    """
    async with database.connection() as connection:
        gone = await connection.fetch(
            "WITH gone AS (DELETE FROM quality WHERE expires_at < now() RETURNING model, answered_at) "
            "SELECT model, count(*) AS count FROM gone WHERE answered_at IS NULL GROUP BY model"
        )
        early = 0
        # As PostgreSQL last counted them: to count millions of rows each minute would cost more than a few too many.
        if await connection.fetchval("SELECT reltuples FROM pg_class WHERE oid = 'quality'::regclass") > MOST_ROWS:
            early = int(
                await connection.fetchval(
                    "WITH gone AS (DELETE FROM quality WHERE expires_at < (SELECT expires_at FROM quality "
                    "ORDER BY expires_at DESC OFFSET $1 LIMIT 1) RETURNING 1) SELECT count(*) FROM gone",
                    MOST_ROWS,
                )
            )
    return {row["model"]: row["count"] for row in gone}, early

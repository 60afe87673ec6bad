"""Measure feedback for the metrics, again and again, and delete what has had its time."""

import asyncio

from slipway_keys.database import quality
from slipway_keys.database.pool import AwayError, Database
from slipway_keys.database.quality import Asked, TooManyClassesError
from slipway_keys.rules.routes import Routes
from slipway_keys.telemetry.log import log
from slipway_keys.telemetry.metrics import Metrics
from slipway_keys.values.quality import Quality


async def run(database: Database, routes: Routes, metrics: Metrics, every_s: float) -> None:
    """Do so for ever; nothing is shown while the database is away: what was measured before may be wrong by then."""
    while True:
        try:
            await once(database, routes, metrics)
        except AwayError:
            metrics.qualities({})
        await asyncio.sleep(every_s)


async def once(database: Database, routes: Routes, metrics: Metrics) -> None:
    """Do so now; AwayError when the database is."""
    in_vain, early = await quality.sweep(database)
    for model, count in in_vain.items():
        metrics.feedback(model, "unknown", count)
    metrics.gone_early(early)
    found: dict[str, list[Quality]] = {}
    for model, section in routes.measured().items():
        try:
            found[model] = await quality.measure(database, model, section, Asked(seconds=section.window_s))
        except TooManyClassesError:
            log("labels are no classes", model=model)
    metrics.qualities(found)

"""Tell that a server is ready, what that took, and how its memory is shared out."""

from dataclasses import asdict
from typing import Any

from slipway_server.memory.budget import Shares
from slipway_server.startup.age import process_age_s
from slipway_server.telemetry.log import log
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.config import ServerConfig


def tell_started(
    config: ServerConfig, metrics: Metrics, loaded_s: float, limit: int, shares: Shares, **found: Any
) -> None:
    """Log it, and have Prometheus know the times.

    Args:
        config: what the server was told.
        metrics: where the times go.
        loaded_s: age of the process when the model was loaded; what came since is warming.
        limit: bytes that the process may take.
        shares: its parts.
        found: what is said of the model beside.
    """
    warm_s = process_age_s() - loaded_s
    metrics.started(load_s=loaded_s, warm_s=warm_s)
    times = {"load_s": round(loaded_s, 2), "warm_s": round(warm_s, 2)}
    log("ready", model=config.model.name, version=config.model.version, **found, **times)
    log("memory", limit=limit, **asdict(shares))

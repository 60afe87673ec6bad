"""Health, metrics and demand for the cluster; whatever else the port serves is mounted behind them."""

from collections.abc import Callable, Sequence

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from slipway_keys.telemetry.metrics import Metrics


def health_app(
    why_not_ready: Callable[[], str | None],
    metrics: Metrics,
    demand: Callable[[str], int | None],
    more: Sequence[BaseRoute],
) -> Starlette:
    """Return the application of the administrative port.

    Args:
        why_not_ready: None, or why the gateway must not ask this replica.
        metrics: what /metrics shows.
        demand: how many calls wait for a model; None for one that never sleeps. Raises `LookupError` while the models
            are not known.
        more: routes behind health and metrics.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"live": True})

    async def readyz(_: Request) -> Response:
        reason = why_not_ready()
        return JSONResponse({"ready": reason is None, "reason": reason}, 200 if reason is None else 503)

    async def exposed(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def demanded(request: Request) -> Response:
        # KEDA takes an error for "unknown", and leaves the replicas as they are.
        try:
            waiting = demand(request.path_params["model"])
        except LookupError:
            return JSONResponse({"message": "the rules of models were not read yet"}, 503)
        if waiting is None:
            return JSONResponse({"message": "no such model scales to zero"}, 404)
        return JSONResponse({"waiting": waiting})

    own = [
        Route("/healthz", healthz),
        # Where the gateway looks for the models that it leads to, and for this service where it takes their feedback.
        Route("/v2/health/live", healthz),
        Route("/readyz", readyz),
        Route("/metrics", exposed),
        Route("/demand/{model}", demanded),
    ]
    return Starlette(routes=[*own, *more])

"""Health and metrics for the cluster."""

from collections.abc import Callable

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slipway_judge.telemetry.metrics import Metrics


def health_app(why_not_ready: Callable[[], str | None], metrics: Metrics) -> Starlette:
    """Return the application of the port for health and metrics.

    Args:
        why_not_ready: None, or why nothing is judged yet.
        metrics: what /metrics shows.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"live": True})

    async def readyz(_: Request) -> Response:
        reason = why_not_ready()
        return JSONResponse({"ready": reason is None, "reason": reason}, 200 if reason is None else 503)

    async def exposed(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", exposed)])

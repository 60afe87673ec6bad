"""Answer what is asked of every server of ours: whether it is ready, whether it is alive, its metrics, what it is."""

from collections.abc import Callable, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slipway_server import __version__
from slipway_server.http.lifecycle import Phase, State
from slipway_server.telemetry.metrics import Metrics

JSON = "application/json"
# A run of the model that goes on for so many times the longest wait of a client will never end: the server
# says that it is not alive, and the kubelet starts it again.
STUCK_AFTER_TIMEOUTS = 3


class Health:
    """The views of one server."""

    def __init__(
        self, state: State, metrics: Metrics, busy_s: Callable[[], float], timeout_s: float, extensions: Sequence[str]
    ) -> None:
        """Look at `state`.

        Args:
            state: of the server.
            metrics: what is counted.
            busy_s: for how long the present run has been going on.
            timeout_s: longest wait of a client.
            extensions: of the Open Inference Protocol, that the server has.
        """
        self._state = state
        self._metrics = metrics
        self._busy_s = busy_s
        self._stuck_after_s = STUCK_AFTER_TIMEOUTS * timeout_s
        self._extensions = extensions

    @property
    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/v2/health/ready", self.ready),
            Route("/v2/health/live", self.live),
            Route("/metrics", self.metrics),
            Route("/v2", self.server),
        ]

    async def ready(self, _request: Request) -> Response:
        """Whether requests are answered."""
        return self.readiness({})

    async def live(self, _request: Request) -> Response:
        """Whether the process should go on."""
        live = self._busy_s() < self._stuck_after_s
        return json_response({"live": live}, 200 if live else 503)

    async def metrics(self, request: Request) -> Response:
        """What Prometheus reads."""
        samples, content_type = self._metrics.expose(", ".join(request.headers.getlist("accept")))
        return Response(samples, headers={"content-type": content_type})

    async def server(self, _request: Request) -> Response:
        """What the protocol says of a server."""
        return json_response({"name": "slipway-server", "version": __version__, "extensions": self._extensions})

    def readiness(self, subject: dict[str, object]) -> Response:
        """Whether requests are answered, beside what is said of whom that is about."""
        ready = self._state.phase is Phase.READY
        return json_response({**subject, "ready": ready}, 200 if ready else 503)


def json_response(document: object, status: int = 200) -> Response:
    """Return an answer in JSON."""
    return Response(orjson.dumps(document), status, media_type=JSON)

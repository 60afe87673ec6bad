"""Say where a model's server is asked that is not Slipway's: an image of a person's own, or a server of others."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.catalog.pod_contract import SERVER_USER
from slipway.runtimes.others.base import ServerOfOthers
from slipway.runtimes.registry import RUNTIMES

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server that checks no pass, and whose answers do not say their release.

    Attributes:
        port: that it listens on, by HTTP.
        ready: path that answers 2xx once it can take requests.
        live: path that answers 2xx as long as it should not be restarted.
        predict: path that the golden request is sent to.
        user: number of the user that it runs as.
        metrics: port and path where Prometheus asks it, where those are not the server's own port and /metrics.
    """

    port: int
    ready: str
    live: str
    predict: str
    user: int
    metrics: tuple[int, str] | None = None


def own_server(spec: "ModelSpec") -> OwnServer | None:
    """The server of a spec; None where Slipway's own serves the model."""
    if spec.custom is not None:
        custom = spec.custom
        return OwnServer(custom.port, custom.ready, custom.live_path, custom.predict, custom.user)
    made = server_of_others(spec.runtime)
    if made is None:
        return None
    user = SERVER_USER if spec.server is None else spec.server.user
    predict = made.predict_of(spec.name)
    return OwnServer(made.port, made.ready_path, made.live_path, predict, user, (made.metrics_port, made.metrics_path))


def server_of_others(runtime: str) -> ServerOfOthers | None:
    """A runtime that is a server of others; None for any other."""
    found = RUNTIMES[runtime]
    return found if isinstance(found, ServerOfOthers) else None

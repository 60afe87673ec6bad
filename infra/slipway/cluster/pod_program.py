"""Run a program in a container that is there, as `kubectl exec` does, with bytes in and out of files.

It takes `create` on `pods/exec`. What the program writes goes to a file as it comes: it may be larger than memory.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from kubernetes.client import ApiClient
from kubernetes.stream import ws_client
from slipway_server.values.text import shortened
from websocket import WebSocketException

from slipway.cluster.port_forward import opened
from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ClusterUnreachable

_PIECE = 64 * 1024
_LOOK_S = 1.0
_SEND_S = 60.0
"""How long the other side may take no byte."""
_SAID_MOST = 64 * 1024


@dataclass(frozen=True)
class Streams:
    """Files of a program: `given` is read to its end as its standard input, `taken` gets its standard output."""

    taken: BinaryIO
    given: BinaryIO | None = None


class ProgramFailed(SlipwayError):
    """A program in a container ended with an error. `said`: the end of what it wrote about it."""

    def __init__(self, pod: str, program: str, reason: str, said: str) -> None:
        super().__init__(
            f"pod {pod}: {program} failed: {reason}: {said or 'it gave no reason'}; next: correct what it names; "
            f"`kubectl logs {pod}` says more"
        )
        self.said = said


def run_in_pod(
    api: ApiClient, at: tuple[str, str, str, str], command: Sequence[str], streams: Streams, limit_s: float
) -> None:
    """Run a program to its end.

    Args:
        api: the client of the cluster.
        at: context, namespace, pod and container.
        command: program and arguments. They are seen in the node's list of processes: no secret.
        streams: its files.
        limit_s: longest time that it may take.

    Raises:
        ProgramFailed: it ended with another code than 0, or not within `limit_s`.
        ClusterUnreachable: no way to the pod, or it broke off.
    """
    context, namespace, pod, container = at
    query: list[tuple[str, str]] = [("container", container), *(("command", word) for word in command)]
    query += [("stdin", str(streams.given is not None).lower()), ("stdout", "true"), ("stderr", "true")]
    path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/exec?{urlencode(query)}"
    started = time.monotonic()
    client = opened(api, context, pod, path, lambda url, headers: _opened(api, url, headers))
    try:
        ended, said = _followed(client, streams, started + limit_s)
    except (OSError, WebSocketException) as error:
        reason = f"the way to pod {pod} broke off: {str(error) or type(error).__name__}"
        raise ClusterUnreachable(context, str(api.configuration.host), time.monotonic() - started, reason) from error
    finally:
        client.close()
    if ended is None:
        raise ProgramFailed(pod, command[0], f"it did not end within {limit_s:g} s", said)
    if not ended:
        reason = f"the way to pod {pod} broke off before the program ended"
        raise ClusterUnreachable(context, str(api.configuration.host), time.monotonic() - started, reason)
    status = json.loads(ended)
    if status.get("status") != "Success":
        raise ProgramFailed(pod, command[0], str(status.get("message", "no reason was given")), said)


def _opened(api: ApiClient, url: str, headers: Any) -> Any:
    # Nothing of it is kept beside the file: `capture_all` would have all that comes in memory.
    return ws_client.websocket_call(  # type: ignore[no-untyped-call]
        api.configuration, "GET", url, headers=headers, _preload_content=False, capture_all=False, binary=True
    )


def _followed(client: Any, streams: Streams, until: float) -> tuple[bytes | None, str]:
    """How it ended, as the API server says (empty: not at all; None: not in time), and what it wrote as an error."""
    client.sock.settimeout(_SEND_S)
    said = b""
    given = streams.given
    while time.monotonic() < until:
        if given is not None:
            if piece := given.read(_PIECE):
                client.write_stdin(piece)
            else:
                client.close_channel(ws_client.STDIN_CHANNEL)
                given = None
        client.update(timeout=0 if given else _LOOK_S)
        streams.taken.write(client.read_channel(ws_client.STDOUT_CHANNEL))
        said = (said + client.read_channel(ws_client.STDERR_CHANNEL))[-_SAID_MOST:]
        if not client.is_open():
            text = " ".join(said.decode(errors="replace").split())
            return client.read_channel(ws_client.ERROR_CHANNEL), shortened(text, 1000)
        if given and client.peek_channel(ws_client.ERROR_CHANNEL):
            given = None  # it ended before it read all
    return None, shortened(" ".join(said.decode(errors="replace").split()), 1000)

"""Ask a server in one certain pod, by way of the API server and the node that the pod is on.

The connection ends inside the pod, at its own loopback: no NetworkPolicy is in the way, and who answers is known.
"""

import http.client
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import ws_client
from slipway_server.values.text import shortened

from slipway.cluster.kubeconfig import asking_for_credentials
from slipway.errors.reaching import ApiRefused, ClusterUnreachable

_OPEN_S = 15.0
_ANSWER_MOST = 64 * 2**20
_MESSAGE_LENGTH = 2000


def post(
    api: ApiClient, at: tuple[str, str, str], port: int, path: str, body: bytes, content_type: str, timeout_s: float
) -> bytes:
    """Post a body to a server in a pod, and return the body of its answer.

    Args:
        api: the client of the cluster.
        at: context, namespace and name of the pod.
        port: that the server listens on.
        path: of the request.
        body: of the request.
        content_type: of the body.
        timeout_s: longest time that the answer may take.

    Raises:
        ApiRefused: the server answered something else than 2xx.
        ClusterUnreachable: no way to the pod, nobody listens there, or no answer in time.
    """
    context, _, pod = at
    started = time.monotonic()
    try:
        with _forwarded(api, at, port) as forwarded:
            connection = http.client.HTTPConnection("localhost", port)
            connection.sock = forwarded.socket(port)
            connection.sock.settimeout(timeout_s)
            headers = {"content-type": content_type, "accept": "application/json", "connection": "close"}
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            data = answer.read(_ANSWER_MOST + 1)
            said = forwarded.error(port)
    except (OSError, http.client.HTTPException) as error:
        reason = f"pod {pod} gave no answer at port {port}: {str(error) or type(error).__name__}"
        raise ClusterUnreachable(context, str(api.configuration.host), time.monotonic() - started, reason) from error
    if said:
        raise ClusterUnreachable(context, str(api.configuration.host), time.monotonic() - started, f"pod {pod}: {said}")
    if len(data) > _ANSWER_MOST:
        raise ApiRefused("POST", path, HTTPStatus.BAD_GATEWAY, f"the answer has more than {_ANSWER_MOST // 2**20}Mi")
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        message = shortened(data[: 4 * _MESSAGE_LENGTH].decode(errors="replace").strip(), _MESSAGE_LENGTH)
        raise ApiRefused("POST", path, answer.status, message)
    return data


@contextmanager
def _forwarded(api: ApiClient, at: tuple[str, str, str], port: int) -> Iterator[Any]:
    """A port of a pod, forwarded while the block runs."""
    context, namespace, pod = at
    path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/portforward?ports={port}"
    found = opened(api, context, pod, path, lambda url, headers: _forward(api, url, headers))
    try:
        yield found
    finally:
        found.close()


def _forward(api: ApiClient, url: str, headers: Any) -> Any:
    return ws_client.portforward_call(api.configuration, "GET", url, headers=headers)  # type: ignore[no-untyped-call]


def opened(api: ApiClient, context: str, pod: str, path: str, call: Callable[[str, Any], Any]) -> Any:
    """What `call` opens at a path of a pod, by its URL and headers; the package knows no limit for how long that takes.

    Raises:
        ClusterUnreachable: there is no way to the pod, or none within the limit.
    """
    with asking_for_credentials(context):
        _, url, headers, _, _ = api.param_serialize("GET", path, header_params={}, auth_settings=["BearerToken"])
    answers: queue.Queue[Any] = queue.Queue(1)

    def run() -> None:
        try:
            answers.put(call(url, headers))
        except ApiException as error:
            answers.put(error)

    started = time.monotonic()
    threading.Thread(target=run, name=f"way to {pod}", daemon=True).start()
    try:
        found = answers.get(timeout=_OPEN_S)
    except queue.Empty:
        found = f"no connection to pod {pod}"
    if isinstance(found, ApiException | str):
        reason = found if isinstance(found, str) else f"no connection to pod {pod}: {found.reason}"
        raise ClusterUnreachable(context, str(api.configuration.host), time.monotonic() - started, reason)
    return found

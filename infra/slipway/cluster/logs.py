"""Read the log of a pod's container: what is there, or what comes, line by line."""

import json
import time
from http import HTTPStatus
from urllib.parse import quote

from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused

_LIMIT_BYTES = 16 * 2**20
"""Of one container at once: more is cut off at the front by whoever keeps it, and nobody reads it in a terminal."""


def log_of(cluster: Cluster, pod: str, container: str, *, since_s: float | None, previous: bool) -> list[str] | None:
    """The lines of a container's log, each with the API server's time before it.

    Args:
        cluster: where the pod is.
        pod: its name.
        container: one of its containers.
        since_s: only lines of the last so many seconds; None for all that is kept.
        previous: of the container before it was restarted.

    Returns:
        None where there is no log: the container has not started, was never restarted, or the pod is gone.
    """
    query = {"container": container, "timestamps": "true", "limitBytes": str(_LIMIT_BYTES)}
    query |= {"sinceSeconds": str(max(1, int(since_s)))} if since_s is not None else {}
    query |= {"previous": "true"} if previous else {}
    path = f"{cluster.url('Pod')}/{quote(pod)}/log"
    try:
        data = cluster.request("GET", path, query=query, accept="*/*", timeout_s=30)
    except ApiRefused as error:
        if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
            return None
        raise
    return data.decode(errors="replace").splitlines()


def shown(line: str) -> tuple[str, str]:
    """A line of `log_of` as its time and what a person reads: of the model server's JSON `event: key=value ...`."""
    at, _, text = line.partition(" ")
    try:
        values = json.loads(text)
    except ValueError:
        return at, _printable(text)
    if not isinstance(values, dict) or not isinstance(values.get("event"), str):
        return at, _printable(text)
    event = values.pop("event")
    own = values.pop("time", None)
    at = _time(own) if isinstance(own, int | float) else at
    rest = " ".join(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items())
    return at, _printable(f"{event}: {rest}" if rest else event)


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


def _printable(text: str) -> str:
    """Without what would move a terminal's cursor: a traceback's lines are told apart by a mark."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

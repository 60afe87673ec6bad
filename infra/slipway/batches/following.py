"""Follow a Job to its end: what its log says of parts, what keeps its pods from running, and why it failed."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from slipway.batches.errors import BatchFailed, BatchGone, BatchRefused
from slipway.batches.given import Batch
from slipway.batches.objects import REFUSED
from slipway.batches.store import LIFE
from slipway.cluster.api import Cluster
from slipway.cluster.pod_trouble import condition, trouble_of
from slipway.cluster.quotas import refusal
from slipway.errors.reaching import ApiRefused
from slipway.values import names
from slipway.values.aliases import Json

_AGAIN_S = 1.0
_HOPELESS_S = 60.0
"""As long as an image cannot be pulled or a container not be made, before the Job is ended."""
_GONE_S = 60.0
_LINES = "2000"
_BYTES = str(2**20)
_TODO = "`kubectl logs` of its pods says more; the same command goes on at the parts that are missing"

Tell = Callable[[str], None]


@dataclass
class Progress:
    """How far a batch is. `there`: numbers of parts. `parts`: how many in the end, None while nobody counted rows."""

    there: set[int]
    parts: int | None = None
    rows: int | None = None
    refused: dict[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        text = f"{len(self.there)} of {self.parts if self.parts is not None else '?'} parts"
        if self.rows is not None:
            text += f", of {self.rows} rows"
        count = sum(self.refused.values())
        return f"{text}, {count} rows refused" if count else text


def follow(cluster: Cluster, batch: Batch, owner: str, progress: Progress, tell: Tell) -> None:
    """Wait until all parts are there.

    Args:
        cluster: where the Job is.
        batch: what it computes.
        owner: of the model.
        progress: what is known of it; is kept up.
        tell: gets it in words, whenever it changed.

    Raises:
        BatchRefused: the model does not take the input, or a row of it.
        BatchFailed: the Job failed, or cannot begin, or took longer than its addresses hold.
        BatchGone: it was deleted.
    """
    name = names.batch(batch.model, batch.id)
    end = time.monotonic() + LIFE.total_seconds()
    hopeless_since: float | None = None
    while time.monotonic() < end:
        job = cluster.read("Job", name)
        if job is None:
            raise BatchGone(name)
        pods = cluster.list("Pod", f"batch.kubernetes.io/job-name={name}")
        for pod in pods:
            _count(progress, _events(cluster, pod))
        if condition(job, "Complete").get("status") == "True":
            tell(str(progress))
            return
        failed = condition(job, "Failed")
        if failed.get("status") == "True":
            raise _failure(cluster, batch, name, failed, pods)
        waiting, hopeless = _waiting(cluster, name, owner, pods)
        tell(f"{progress}; {waiting}" if waiting else str(progress))
        hopeless_since = (hopeless_since or time.monotonic()) if hopeless else None
        if hopeless_since is not None and time.monotonic() - hopeless_since > _HOPELESS_S:
            cluster.delete("Job", name)
            raise BatchFailed(name, waiting, "correct that, then run the same command")
        time.sleep(_AGAIN_S)
    raise BatchFailed(name, f"it is not done after {LIFE.total_seconds() / 3600:.0f} h", _TODO)


def until_gone(cluster: Cluster, name: str) -> None:
    """Wait until a Job that was deleted is gone, with its pods; raises `BatchFailed` after a minute."""
    end = time.monotonic() + _GONE_S
    while time.monotonic() < end:
        pods = cluster.list("Pod", f"batch.kubernetes.io/job-name={name}")
        if not pods and cluster.read("Job", name) is None:
            return
        time.sleep(_AGAIN_S)
    raise BatchFailed(
        name, f"the pods of an earlier run did not end in {_GONE_S:.0f} s", "delete them, then run it again"
    )


def _count(progress: Progress, events: Iterator[dict[str, Any]]) -> None:
    for event in events:
        if event.get("event") == "batch":
            progress.parts, progress.rows = event.get("parts"), event.get("rows")
        elif event.get("event") == "part":
            progress.there.add(int(event["number"]))
            progress.refused[int(event["number"])] = int(event["refused"])


def _events(cluster: Cluster, pod: Json) -> Iterator[dict[str, Any]]:
    """The lines of a pod's log that are events; none of a pod that has no log yet, or none any more."""
    query = {"container": "server", "tailLines": _LINES, "limitBytes": _BYTES}
    try:
        text = cluster.request("GET", f"{cluster.url('Pod', pod['metadata']['name'])}/log", query=query, accept="*/*")
    except ApiRefused:
        return
    for line in text.decode(errors="replace").splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue  # the last line may be cut


def _waiting(cluster: Cluster, name: str, owner: str, pods: list[Json]) -> tuple[str, bool]:
    """What keeps pods from running, empty for nothing, and whether it will not pass."""
    alive = [pod for pod in pods if pod.get("status", {}).get("phase") in ("Pending", "Running")]
    for pod in alive:
        pending = pod["status"]["phase"] == "Pending"
        if pending and (trouble := trouble_of(pod)) is not None:
            return trouble.text, trouble.kind in ("image", "config")
    if alive:
        return ("a pod starts" if alive[0]["status"]["phase"] == "Pending" else ""), False
    for event in reversed(cluster.list("Event", fields=f"involvedObject.name={name},reason=FailedCreate")):
        message = str(event.get("message", ""))
        return refusal(message, owner) or f"its pods are refused: {message}", False
    return "waits for a pod", False


def _failure(cluster: Cluster, batch: Batch, name: str, failed: Json, pods: list[Json]) -> Exception:
    """Why a Job failed: what its last pod says of itself, else what the cluster says of the Job."""
    for pod in sorted(pods, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True):
        said = [one["reason"] for one in _events(cluster, pod) if one.get("event") == "failed"]
        ended = _ended(pod)
        if said and ended.get("exitCode") == REFUSED:
            problem, _, allowed = str(said[-1]).partition("; allowed: ")
            return BatchRefused(batch.input.shown, problem, allowed or "rows of the model's inputs", "correct it")
        if said:
            return BatchFailed(name, str(said[-1]), _TODO)
        if ended.get("reason") == "OOMKilled":
            todo = "raise resources.memory of the spec, or name more --parts: a part is held in memory"
            return BatchFailed(name, "its pods need more memory than their limit", todo)
    return BatchFailed(name, f"{failed.get('reason', '')}: {failed.get('message', '')}", _TODO)


def _ended(pod: Json) -> Json:
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        if status.get("name") == "server":
            return dict((status.get("state") or {}).get("terminated") or {})
    return {}

"""Versions as Deployments of a namespace: each beside the other, under names of its own, until one is taken away."""

from collections.abc import Callable, Iterable

from slipway_edge.cluster.own import ENTRY, MODEL, Own, label
from slipway_edge.cluster.pods import ended, newest, progress
from slipway_edge.engine.port import Running, name_of
from slipway_edge.telemetry.log import log
from slipway_edge.values.clock import Clock
from slipway_edge.values.document import Entry
from slipway_edge.values.errors import Away
from slipway_edge.values.objects import KINDS, SERVER_PORT, Json

_PULL_LIMIT_S = 1800.0
"""Kubernetes does not say how far a pull is; so long, and it is tried anew. Layers that are finished stay."""
_LOOK_S = 1.0


class KubernetesEngine:
    """One namespace of a cluster.

    Images are pulled, kept and deleted by the kubelets, and room for a pod is found by the scheduler: this asks for
    objects, and reads what became of them.
    """

    def __init__(self, own: Own, clock: Clock) -> None:
        self._own = own
        self._clock = clock
        self._fresh: set[str] = set()
        """Versions whose pod was made for their pull, and is the one to judge."""

    def pull(self, entry: Entry, between: Callable[[], None]) -> None:
        """Make the version's objects, and wait until its container has started: which node pulls is known only then."""
        if not self._own.all("Deployment", entry.digest):
            self._fresh.add(entry.digest)
        self._own.apply_all(entry)
        until = self._clock.now() + _PULL_LIMIT_S
        while True:
            deployment = next(iter(self._own.all("Deployment", entry.digest)), None)
            if progress(newest(self._own.all("Pod", entry.digest)), deployment) == "started":
                return
            if self._clock.now() >= until:
                raise Away(f"its pod has not started within {_PULL_LIMIT_S:.0f} s: its image is still being pulled")
            between()
            self._clock.sleep(_LOOK_S)

    def has_image(self, entry: Entry) -> bool:
        """Whether its pull was begun: what nodes have is not told, and what has begun is not stopped by the hour."""
        return bool(self._own.all("Deployment", entry.digest))

    def start(self, entry: Entry) -> Running:
        """Make the version's objects; a pod that is there is replaced, but for the one of its pull."""
        self._own.apply_all(entry)
        if entry.digest in self._fresh:
            self._fresh.discard(entry.digest)
        else:
            for pod in self._own.all("Pod", entry.digest):
                self._own.api.delete("Pod", pod["metadata"]["name"])
        return Running(name_of(entry), entry.model, entry.digest, (entry.digest, SERVER_PORT))

    def share_out(self, entries: list[Entry]) -> None:
        """Nothing: the cluster gives pods their processors."""

    def stop(self, running: Running) -> None:
        """Delete the version's Deployment, and Services that lead to it. What fences its pods in goes after them."""
        digest = running.name.rpartition("-")[2]
        self._fresh.discard(digest)
        for kind in ("Service", "Deployment"):
            for one in self._own.all(kind, digest):
                self._own.api.delete(kind, one["metadata"]["name"])

    def containers(self) -> list[Running]:
        """One for each Deployment of ours."""
        pods: dict[str, list[Json]] = {}
        for pod in self._own.all("Pod"):
            pods.setdefault(_entry(pod), []).append(pod)
        return [_running(one, pods.get(_entry(one), [])) for one in self._own.all("Deployment")]

    def tidy(self, wanted: list[Entry]) -> None:  # noqa: ARG002 - images are the kubelets'
        """Delete what is left of versions without Deployment and pods."""
        there = {_entry(one) for kind in ("Deployment", "Pod") for one in self._own.all(kind)}
        for kind in KINDS:
            for one in self._own.all(kind):
                if _entry(one) not in there:
                    log("deleted", kind=kind, name=one["metadata"]["name"])
                    self._own.api.delete(kind, one["metadata"]["name"])


def _entry(found: Json) -> str:
    return label(found, ENTRY) or ""


def _running(deployment: Json, pods: Iterable[Json]) -> Running:
    model, digest = label(deployment, MODEL) or "", _entry(deployment)
    how = ended(newest(list(pods)))
    return Running(f"slipway-{model}-{digest}", model, digest, None if how else (digest, SERVER_PORT), how)

"""Count what the gateway answered for a model while it was updated, by Envoy's own counters.

Envoy counts the calls of each of its clusters by their answers, the ones included that it gives itself because nobody
else did. It drops the counters with their cluster, and clusters change while a rollout is under way: so they are read
every second or two, and what each grew by is added up.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ApiRefused

READ_S = 1.5
_STATS_PORT = 19001
"""Of Envoy's pods, as Envoy Gateway makes them: its metrics."""
_LOST = ("502", "503", "504")
_CODE = r'(?=[^}]*envoy_response_code="(\d+)")'
_CLUSTER = r'(?=[^}]*envoy_cluster_name="([^"]+)")'
_ROW = re.compile(rf"^envoy_cluster_upstream_rq\{{{_CODE}{_CLUSTER}[^}}]*\}} (\d+)", re.MULTILINE)


class Proxied(Protocol):
    """One namespace of one cluster, as `slipway.cluster.api.Cluster`."""

    namespace: str

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None) -> bytes:
        """Send one request and return the body of its answer."""
        ...


@dataclass
class Counted:
    """What was counted. `unknown`: why it was not, None where it was; `restarted`: whether counts of an Envoy ended."""

    requests: int = 0
    lost: int = 0
    restarted: bool = False
    unknown: str | None = None

    def text(self) -> str:
        """For people, in one line."""
        if self.unknown is not None:
            return f"what the gateway answered was not counted: {self.unknown}"
        ended = "; an Envoy ended meanwhile, and what it answered in its last seconds is not counted"
        return f"{self.lost:,} of {self.requests:,} requests lost{ended if self.restarted else ''}"


@dataclass
class _Sums:
    """The counters as they were read last, by pod, cluster and answer; `ever`: the pods that were seen."""

    last: dict[tuple[str, str, str], int] = field(default_factory=dict)
    pods: set[str] = field(default_factory=set)
    begun: bool = False


@dataclass(frozen=True)
class GatewayCounts:
    """Counts what the gateway of one environment answers."""

    cluster: Proxied

    @contextmanager
    def counting(self, model: str) -> Iterator[Counted]:
        """Count the calls of a model while the block runs; what was counted is complete when it ends."""
        counted, sums, ended = Counted(), _Sums(), threading.Event()
        self._read(model, sums, counted)
        reader = threading.Thread(target=self._until, args=(model, sums, counted, ended), daemon=True)
        reader.start()
        try:
            yield counted
        finally:
            ended.set()
            reader.join()
            self._read(model, sums, counted)

    def _until(self, model: str, sums: _Sums, counted: Counted, ended: threading.Event) -> None:
        while not ended.wait(READ_S):
            self._read(model, sums, counted)

    def _read(self, model: str, sums: _Sums, counted: Counted) -> None:
        """Read every Envoy once and add what its counters grew by; an outage ends with the next look."""
        if counted.unknown is not None:
            return
        try:
            pods = self._pods()
            for pod, path in pods.items():
                self._add(pod, self._stats(path, model), sums, counted)
        except ApiRefused as error:
            if error.status == HTTPStatus.FORBIDDEN:
                counted.unknown = f"no right to read Envoy's pods ({error.message})"
            return  # a pod that starts or stops answers 404 or 503
        except SlipwayError:
            return
        if sums.begun and sums.pods - pods.keys():
            counted.restarted = True
        sums.pods, sums.begun = set(pods), True

    def _pods(self) -> dict[str, str]:
        """The paths of the Envoys' pods by their uid and number of restarts."""
        query = {"labelSelector": f"gateway.envoyproxy.io/owning-gateway-namespace={self.cluster.namespace}"}
        found = {}
        for pod in json.loads(self.cluster.request("GET", "/api/v1/pods", query=query))["items"]:
            metadata, status = pod["metadata"], pod.get("status") or {}
            containers = status.get("containerStatuses") or []
            if status.get("phase") == "Running" and "deletionTimestamp" not in metadata:
                restarts = sum(one.get("restartCount", 0) for one in containers)
                path = f"/api/v1/namespaces/{quote(metadata['namespace'])}/pods/{quote(metadata['name'])}"
                found[f"{metadata['uid']}/{restarts}"] = path
        return found

    def _stats(self, path: str, model: str) -> str:
        # Calls that are mirrored to a judge have a cluster of their own, `rule/0-mirror-2`.
        route = rf"httproute/{re.escape(self.cluster.namespace)}/{re.escape(model)}"
        clusters = rf"^cluster\.{route}/rule/\d+(/backend/\d+)?\.upstream_rq_\d+$"
        query = {"filter": clusters}
        return self.cluster.request("GET", f"{path}:{_STATS_PORT}/proxy/stats/prometheus", query=query).decode()

    def _add(self, pod: str, text: str, sums: _Sums, counted: Counted) -> None:
        for code, cluster, number in _ROW.findall(text):
            key = pod, cluster, code
            # What an Envoy had counted before this began is not of this update; a cluster that is new began at nothing.
            before = sums.last.get(key, 0 if sums.begun else int(number))
            grown = int(number) - before if int(number) >= before else int(number)
            sums.last[key] = int(number)
            counted.requests += grown
            counted.lost += grown if code in _LOST else 0

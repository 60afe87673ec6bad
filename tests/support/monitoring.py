"""An environment whose models are watched by the local cluster's Prometheus, and that Prometheus taken away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slipway.cluster.api import Cluster
from slipway.cluster.pod_trouble import condition
from tests.support.looking import until
from tests.support.workbench import Workbench

ADDRESS = "http://prometheus-operated.monitoring:9090"
_NAMESPACE = "monitoring"
_PODS = "app.kubernetes.io/name=prometheus"
_KIND = f"/apis/monitoring.coreos.com/v1/namespaces/{_NAMESPACE}/prometheuses"
_LIMIT_S = 120.0


def with_monitoring(bench: Workbench) -> None:
    """Have the environment's models watched, so that replicas may follow more than the processor."""
    bench.write_settings(monitoring={"prometheus": ADDRESS})


@contextmanager
def without_prometheus() -> Iterator[None]:
    """Stop the cluster's Prometheus, and have it again when the block ends, with nothing in its memory."""
    cluster = Cluster("slipway-local", _NAMESPACE)
    _run(cluster, 0)
    try:
        yield
    finally:
        _run(cluster, 1)


def _run(cluster: Cluster, replicas: int) -> None:
    """Have its operator run so many Prometheus, and wait until it does."""
    (found,) = json.loads(cluster.request("GET", _KIND))["items"]
    body = {"spec": {"replicas": replicas}}
    path = f"{_KIND}/{found['metadata']['name']}"
    cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")
    ready = [True] * replicas
    until(f"{replicas} Prometheus run", lambda: [_ready(pod) for pod in cluster.list("Pod", _PODS)] == ready, _LIMIT_S)


def _ready(pod: dict[str, Any]) -> bool:
    return condition(pod, "Ready").get("status") == "True"

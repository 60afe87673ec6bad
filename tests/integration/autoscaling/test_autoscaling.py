"""Real Prometheus, Alertmanager and KEDA on the local cluster: what one pod says decides how many others run."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from kubernetes import client, dynamic

from tests.integration.cluster.conftest import api, create, eventually, get, image, namespace, ready_replicas, serve

# Alone: the node has little room beside other environments.
pytestmark = [pytest.mark.integration, pytest.mark.serial]

__all__ = ["api", "image", "namespace", "serve"]

Ask = Callable[[str], list[Any]]


def answer(api: client.ApiClient, pod: str, port: int, path: str) -> Any:
    """What a pod of the monitoring namespace answers; the node reaches every pod."""
    found: Any = client.CoreV1Api(api).read_namespaced_pod(pod, "monitoring")
    status, text = get(f"http://{found.status.pod_ip}:{port}/{path}")
    assert status == 200, text
    return json.loads(text)


@pytest.fixture
def ask(api: client.ApiClient) -> Ask:
    """Ask Prometheus: the samples of an instant query."""

    def asked(query: str) -> list[Any]:
        found = answer(api, "prometheus-prometheus-0", 9090, f"api/v1/query?query={quote(query)}")
        samples: list[Any] = found["data"]["result"]
        return samples

    return asked


@pytest.fixture
def scale(api: client.ApiClient, namespace: str, image: str) -> Callable[..., None]:
    """Run a Deployment `worker` and have KEDA scale it by a query, one replica for each of its units."""
    resources = dynamic.DynamicClient(api).resources  # type: ignore[no-untyped-call]

    def scaled(query: str, *, replicas: int) -> None:
        labels = {"app": "worker"}
        container = {"name": "pod", "image": image, "resources": {"requests": {"cpu": "10m"}}}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        create(api, "apps/v1", "Deployment", "worker", namespace, spec=spec)
        metadata = {
            "serverAddress": "http://prometheus-operated.monitoring:9090",
            "query": query,
            "threshold": "1",
            "ignoreNullValues": "false",
        }
        trigger = {"type": "prometheus", "metricType": "AverageValue", "metadata": metadata}
        body = {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": {"name": "worker"},
            "spec": {
                "scaleTargetRef": {"name": "worker"},
                "minReplicaCount": 1,
                "maxReplicaCount": 4,
                "pollingInterval": 2,
                "triggers": [trigger],
            },
        }
        resource = resources.get(api_version="keda.sh/v1alpha1", kind="ScaledObject")
        resource.create(body=body, namespace=namespace)

    return scaled


def test_as_many_replicas_run_as_a_monitored_pod_asks_for(
    api: client.ApiClient, namespace: str, serve: Callable[..., str], scale: Callable[..., None], ask: Ask
) -> None:
    url = serve("source")
    assert get(f"{url}/load?is=3")[0] == 200
    endpoint = {"targetPort": 8080, "interval": "1s"}
    body = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": "source"},
        "spec": {"selector": {"matchLabels": {"app": "source"}}, "podMetricsEndpoints": [endpoint]},
    }
    monitors = dynamic.DynamicClient(api).resources.get(  # type: ignore[no-untyped-call]
        api_version="monitoring.coreos.com/v1", kind="PodMonitor"
    )
    monitors.create(body=body, namespace=namespace)
    began = time.monotonic()
    load = f'sum(test_load{{namespace="{namespace}"}})'
    eventually(lambda: [sample["value"][1] for sample in ask(load)] == ["3"], "Prometheus has what the pod says", 400)
    print(f"in Prometheus after {time.monotonic() - began:.1f} s")

    scale(load, replicas=1)
    began = time.monotonic()
    eventually(lambda: ready_replicas(api, "worker", namespace) == 3, "three replicas", 120)
    print(f"three replicas after {time.monotonic() - began:.1f} s")


def test_a_query_without_an_answer_is_an_error_and_scales_nothing(
    api: client.ApiClient, namespace: str, scale: Callable[..., None], ask: Ask
) -> None:
    scale("sum(nothing_is_called_so)", replicas=2)

    def scaling_active() -> str | None:
        found: Any = client.AutoscalingV2Api(api).list_namespaced_horizontal_pod_autoscaler(namespace)
        conditions = [each for item in found.items for each in item.status.conditions or []]
        return next((each.status for each in conditions if each.type == "ScalingActive"), None)

    eventually(lambda: scaling_active() == "False", "the autoscaler says that it knows no number", 90)
    errors = f'keda_scaler_detail_errors_total{{namespace="{namespace}", scaledObject="worker"}}'
    eventually(lambda: ask(f"{errors} > 0"), "Prometheus has KEDA's errors under the ScaledObject's namespace", 120)
    assert ready_replicas(api, "worker", namespace) == 2


def test_an_alert_that_fires_always_arrives_at_the_alertmanager(api: client.ApiClient) -> None:
    def firing() -> list[str]:
        alerts = answer(api, "alertmanager-alertmanager-0", 9093, "api/v2/alerts")
        return [alert["labels"]["alertname"] for alert in alerts]

    eventually(lambda: "Watchdog" in firing(), "Alertmanager has the alert", 120)

"""What a pod on the local cluster can do and cannot, and that its load is measured."""

import re
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from slipway.local import cluster
from slipway.local.cluster import facts
from slipway.local.host import processes
from tests.integration.cluster.conftest import create, eventually, get, ready_replicas

pytestmark = pytest.mark.integration


def test_a_pod_resolves_services_by_short_and_by_full_name(serve: Callable[..., str], namespace: str) -> None:
    url = serve("web")
    assert get(f"{url}/resolve?name=kubernetes.default")[1] == facts.API_SERVICE_IP
    short = get(f"{url}/resolve?name=web")
    assert short[0] == 200
    assert get(f"{url}/resolve?name=web.{namespace}.svc.cluster.local") == short


def test_a_name_that_no_service_has_is_not_found(serve: Callable[..., str]) -> None:
    status, text = get(f"{serve('web')}/resolve?name=nobody.default.svc.cluster.local", timeout_s=10)
    assert status == 502
    assert "no such host" in text


def test_a_pod_reaches_another_pod_and_itself_through_a_service(serve: Callable[..., str]) -> None:
    url = serve("web", replicas=2)
    eventually(lambda: len({get(url)[1] for _ in range(20)}) == 2, "both replicas answer")
    assert {get(f"{url}/fetch?url=http://web/")[1] for _ in range(10)} == {"200"}


def test_a_pod_is_told_at_once_that_there_is_no_way_out_of_the_machine(serve: Callable[..., str]) -> None:
    status, text = get(f"{serve('web')}/fetch?url=http://198.51.100.1/", timeout_s=10)
    assert status == 502
    assert re.search("no route to host|prohibited|unreachable", text), text


def test_a_node_port_answers_on_loopback_and_on_no_other_address(serve: Callable[..., str]) -> None:
    port = int(serve("web").rpartition(":")[2])
    text = subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, check=True).stdout
    addresses = set(re.findall(r"inet ([\d.]+)", text)) - {"127.0.0.1"}
    assert facts.NODE_IP in addresses
    for address in addresses:
        with pytest.raises(OSError), socket.create_connection((address, port), timeout=1):
            pytest.fail(f"{address}:{port} answers")


def test_every_listening_socket_of_the_cluster_is_on_loopback_or_the_bridge() -> None:
    pids = {processes.pid(name) for name, state in cluster.status() if state.startswith("running")}
    text = subprocess.run(["ss", "-H", "-ltunp"], capture_output=True, text=True, check=True).stdout
    ours = [line.split() for line in text.splitlines() if _pid(line) in pids]
    assert len(ours) > 10
    assert {fields[4].rpartition(":")[0] for fields in ours} <= {"127.0.0.1", facts.NODE_IP}


def test_an_autoscaler_adds_replicas_when_the_cpu_is_really_used(
    api: client.ApiClient, serve: Callable[..., str], namespace: str
) -> None:
    url = serve("web")
    target = {"type": "Utilization", "averageUtilization": 50}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 2,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    create(api, "autoscaling/v2", "HorizontalPodAutoscaler", "web", namespace, spec=spec)
    scaling = client.AutoscalingV2Api(api)

    def measured() -> int | None:
        scaler: Any = scaling.read_namespaced_horizontal_pod_autoscaler("web", namespace)
        metrics = scaler.status.current_metrics or []
        if not metrics or metrics[0].resource is None:
            return None  # the autoscaler reports an entry without a value until there is one
        value: int | None = metrics[0].resource.current.average_utilization
        return value

    eventually(lambda: measured() is not None, "the autoscaler sees the pod's CPU", limit_s=120)
    idle = measured()
    assert idle is not None
    assert idle < 50
    assert get(f"{url}/burn?for=120s")[0] == 200
    eventually(lambda: ready_replicas(api, "web", namespace) == 2, "a second replica is ready", limit_s=120)


def _pid(line: str) -> int | None:
    found = re.search(r"pid=(\d+)", line)
    return int(found[1]) if found else None

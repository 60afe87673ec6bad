"""A running local cluster (`slipway local up` was done), a namespace in it, and an image for test pods."""

import os
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from kubernetes import client, config, utils

from slipway.local.build import golang
from slipway.local.cluster import images
from slipway.local.host import paths

POD = Path(__file__).parent / "pod"


@pytest.fixture(scope="session")
def api() -> client.ApiClient:
    kubeconfig = os.environ.get("KUBECONFIG", str(paths.KUBECONFIG))
    if not Path(kubeconfig).exists():
        pytest.skip(f"no cluster runs ({kubeconfig} is not there): `slipway local up`")
    made: client.ApiClient = config.new_client_from_config(kubeconfig)  # type: ignore[no-untyped-call]
    return made


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The test pod's image in the local registry, by digest."""
    program = tmp_path_factory.mktemp("pod") / "pod"
    go = golang.find([POD], print)
    argv: list[str | Path] = [go.command, "build", "-trimpath", "-ldflags=-s -w", "-o", program, "."]
    subprocess.run(argv, cwd=POD, env=golang.environment(), check=True, timeout=300)
    built = images.build({PurePosixPath("/pod"): program}, entrypoint=["/pod"])
    return images.push(built, "127.0.0.1:5000", "slipway/tests/pod")


@pytest.fixture
def namespace(api: client.ApiClient) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    create(api, "v1", "Namespace", name)
    yield name
    client.CoreV1Api(api).delete_namespace(name)


@pytest.fixture
def serve(api: client.ApiClient, namespace: str, image: str) -> Callable[..., str]:
    """Run the test pod behind a NodePort Service of the given name; returns its URL on loopback."""

    def run(name: str, replicas: int = 1) -> str:
        labels = {"app": name}
        container = {
            "name": "pod",
            "image": image,
            "ports": [{"containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
            "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "300m", "memory": "64Mi"}},
        }
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        create(api, "apps/v1", "Deployment", name, namespace, spec=spec)
        ports = [{"port": 80, "targetPort": 8080}]
        service = {"type": "NodePort", "selector": labels, "ports": ports}
        create(api, "v1", "Service", name, namespace, spec=service)
        made: Any = client.CoreV1Api(api).read_namespaced_service(name, namespace)
        url = f"http://127.0.0.1:{made.spec.ports[0].node_port}"
        eventually(lambda: ready_replicas(api, name, namespace) == replicas, f"{name} has {replicas} ready")
        eventually(lambda: get(url)[0] == 200, f"{url} answers")
        return url

    return run


def create(api: client.ApiClient, version: str, kind: str, name: str, namespace: str = "", **fields: object) -> None:
    """Create one object; `fields` beside its name: spec, or more of its metadata."""
    metadata = {"name": name, **fields.pop("metadata", {})}  # type: ignore[dict-item]
    item = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
    utils.create_from_dict(api, item, namespace=namespace or "default")  # type: ignore[no-untyped-call]


def ready_replicas(api: client.ApiClient, name: str, namespace: str) -> int | None:
    deployment: Any = client.AppsV1Api(api).read_namespaced_deployment(name, namespace)
    ready: int | None = deployment.status.ready_replicas
    return ready


def get(url: str, timeout_s: float = 5.0) -> tuple[int, str]:
    """Status and body; (0, reason) when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def eventually(probe: Callable[[], Any], what: str, limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not probe():
        assert time.monotonic() < deadline, f"not within {limit_s:.0f} s: {what}"
        time.sleep(0.2)

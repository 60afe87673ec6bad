"""PostgreSQL of the local image on a volume of the local class, as an unprivileged pod with a read-only file system."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, stream

from tests.integration.cluster.conftest import api, create, eventually

pytestmark = pytest.mark.integration

__all__ = ["api"]

POSTGRES = "127.0.0.1:5000/slipway/postgres:15"
PASSWORD = "only-of-this-test"
LABELS = {"app": "database"}
SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
READY = {"exec": {"command": ["pg_isready", "-q", "-h", "127.0.0.1"]}, "periodSeconds": 1}
MOUNTS = {"data": "/var/lib/postgresql", "run": "/run/postgresql", "tmp": "/tmp"}


@pytest.fixture
def namespace(api: client.ApiClient) -> Iterator[str]:
    name = f"database-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    create(api, "v1", "Namespace", name, metadata={"labels": labels})
    yield name
    client.CoreV1Api(api).delete_namespace(name)


@pytest.fixture
def database(api: client.ApiClient, namespace: str) -> str:
    """A Deployment of PostgreSQL, whose pod is ready."""
    claim = {
        "storageClassName": "local",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    create(api, "v1", "PersistentVolumeClaim", "database", namespace, spec=claim)
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "database"}},
        *({"name": name, "emptyDir": {}} for name in ("run", "tmp")),
    ]
    env = {"POSTGRES_USER": "keys", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "ledger"}
    container = {
        "name": "database",
        "image": POSTGRES,
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "securityContext": SECURE,
        "readinessProbe": READY,
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in MOUNTS.items()],
    }
    pod = {"securityContext": {"fsGroup": 65532}, "containers": [container], "volumes": volumes}
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    spec = {"strategy": {"type": "Recreate"}, "selector": {"matchLabels": LABELS}, "template": template}
    create(api, "apps/v1", "Deployment", "database", namespace, spec=spec)
    return ready_pod(api, namespace)


def ready_pod(api: client.ApiClient, namespace: str, other_than: str = "") -> str:
    """Name of the pod that is ready and not the one given."""

    def names() -> list[str]:
        pods: Any = client.CoreV1Api(api).list_namespaced_pod(namespace)
        return [
            pod.metadata.name
            for pod in pods.items
            if pod.metadata.name != other_than and any(s.ready for s in pod.status.container_statuses or ())
        ]

    eventually(names, "a pod of PostgreSQL is ready", 90)
    return names()[0]


def ask(api: client.ApiClient, namespace: str, pod: str, statement: str, password: str = PASSWORD) -> str:
    """What psql in the pod says, by TCP and with a password, as any other pod would ask."""
    url = f"postgresql://keys:{password}@127.0.0.1:5432/ledger"
    said: str = stream.stream(
        client.CoreV1Api(api).connect_get_namespaced_pod_exec,
        pod,
        namespace,
        command=["psql", "-At", "-c", statement, url],
        stdout=True,
        stderr=True,
        stdin=False,
        tty=False,
    )
    return said.strip()


def test_rows_outlive_the_pod_and_a_wrong_password_is_refused(
    api: client.ApiClient, namespace: str, database: str
) -> None:
    assert ask(api, namespace, database, "CREATE TABLE lines (id int); INSERT INTO lines VALUES (7)") == (
        "CREATE TABLE\nINSERT 0 1"
    )
    assert "password authentication failed" in ask(api, namespace, database, "SELECT 1", password="wrong")
    began = time.monotonic()
    client.CoreV1Api(api).delete_namespaced_pod(database, namespace)
    again = ready_pod(api, namespace, other_than=database)
    # A slow shutdown would wait for its clients until the grace period of 30 s has passed.
    assert time.monotonic() - began < 25
    assert ask(api, namespace, again, "SELECT id FROM lines") == "7"

"""Devices with Kubernetes: a namespace of the local cluster, whose agent may what its Role says and no more."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.local.host import paths
from tests.support.edge_devices import Device, golden

CONTEXT = "slipway-local"
HARDWARE = {
    "architecture": "amd64", "cores": 2, "ghz": 2.0, "operations": 16, "memory": "4Gi", "runs_on": "kubernetes",
}  # fmt: skip
"""What the settings of a fleet say of such a device."""
_LIMIT_S = 60


@dataclass
class ClusterDevice(Device):
    """A device with Kubernetes; `docker_host` is empty."""

    namespace: str = ""

    @property
    def kubeconfig(self) -> Path:
        """The agent's own."""
        return self.home.parent / "kubeconfig"

    def start(self) -> None:
        """Run `slipway-edge run`."""
        with self.log.open("ab") as log:
            argv = [sys.executable, "-m", "slipway_edge", "run", "--home", str(self.home)]
            argv += ["--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def label(self, port: int = 80) -> int | None:
        """What a caller in the cluster gets as the label of a seven; None: no answer."""
        body = json.dumps(golden()).encode()
        try:
            said = Cluster(CONTEXT, self.namespace).through_service("digits", "/predict", body, "application/json", 10)
        except (ApiRefused, ClusterUnreachable):
            return None
        (label,) = json.loads(said)["outputs"]["label"]
        return int(label)

    def may(self, verb: str, what: str, namespace: str = "") -> bool:
        """Whether the cluster lets the agent do that, in its own namespace unless said otherwise."""
        argv = ["kubectl", "--kubeconfig", str(self.kubeconfig), "auth", "can-i", verb, what]
        argv += ["--namespace", namespace or self.namespace]
        done = subprocess.run(argv, text=True, capture_output=True, timeout=_LIMIT_S, check=False)
        return done.stdout.strip() == "yes"

    def refused(self, spec: dict[str, Any]) -> str:
        """Why the cluster takes no such pod, whoever asks for it; empty: it would."""
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried"}, "spec": spec}
        try:
            Cluster(CONTEXT, self.namespace).request(
                "POST", f"/api/v1/namespaces/{self.namespace}/pods", query={"dryRun": "All"}, body=manifest
            )
        except ApiRefused as error:
            return str(error)
        return ""

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """What the agent has of a kind."""
        return Cluster(CONTEXT, self.namespace).list(kind, f"slipway.dev/edge-device={self.name}")


@contextmanager
def cluster_device(folder: Path, name: str, namespace: str) -> Iterator[ClusterDevice]:
    """Have a device while the block runs: what `slipway-edge role` prints is applied, and gone at the end."""
    folder.mkdir(parents=True)
    made = ClusterDevice(name, folder / "home", "", folder / "agent.log", namespace=namespace)
    made.log.touch()
    argv = [sys.executable, "-m", "slipway_edge", "role", "--namespace", namespace]
    role = subprocess.run(argv, text=True, capture_output=True, timeout=60, check=True).stdout
    try:
        _kubectl("apply", "-f", "-", given=role)
        _write_kubeconfig(made)
        yield made
    finally:
        made.kill()
        _kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")


def _write_kubeconfig(made: ClusterDevice) -> None:
    """As docs/how-to/edge-kubernetes.md says it."""
    until = time.monotonic() + _LIMIT_S
    while not (token := _kubectl("get", "secret", "slipway-edge", "-n", made.namespace, "-o=jsonpath={.data.token}")):
        assert time.monotonic() < until, f"no token in the Secret within {_LIMIT_S} s"
        time.sleep(0.2)
    (cluster,) = yaml.safe_load(paths.KUBECONFIG.read_text())["clusters"]
    held = made.kubeconfig.with_name("token")
    written: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [cluster],
        "users": [{"name": "agent", "user": {"tokenFile": str(held)}}],
        "contexts": [{"name": "here", "context": {"cluster": cluster["name"], "user": "agent"}}],
    }
    for path, text in ((held, base64.b64decode(token).decode()), (made.kubeconfig, yaml.safe_dump(written))):
        path.touch(0o600)
        path.write_text(text)


def _kubectl(*arguments: str, given: str | None = None) -> str:
    argv = ["kubectl", "--kubeconfig", str(paths.KUBECONFIG), "--context", CONTEXT, *arguments]
    done = subprocess.run(argv, input=given, text=True, capture_output=True, timeout=_LIMIT_S, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout

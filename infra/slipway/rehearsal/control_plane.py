"""A Kubernetes control plane for one rehearsal: a real API server, scheduler and controllers; nodes are kwok's.

It is made of the programs of the local cluster but is none of it: other ports, other keys, a folder of its own. So a
rehearsal meets neither the models that `make up` put into service nor what a rehearsal before it left.
"""

import base64
import json
import secrets
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.local.build import karpenter
from slipway.local.cluster.pki import Request
from slipway.local.host import paths
from slipway.local.host.steps import Report
from slipway.rehearsal.processes import Children, RehearsalError, free_ports

_START_LIMIT_S = 90.0
_ADMIN = "rehearsal"
_SCALING = ("ScaledObject", "PodMonitor", "PrometheusRule")
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True)
class ControlPlane:
    """A running one.

    `token` is an administrator's; `kubeconfig` a file that holds it. `pods`: a socket to which the API server connects
    for all that is for pods (`slipway.rehearsal.pods`).
    """

    server: str
    authority: str
    token: str
    kubeconfig: Path
    pods: Path


def start(folder: Path, children: Children, report: Report, *, platform: bool = True) -> ControlPlane:
    """Start it in an empty folder and wait until pods can be scheduled.

    Args:
        folder: where its keys and data are kept; made here.
        children: what ends it.
        report: gets how the kinds of nodes are built, where they are not yet.
        platform: whether the kinds of a gateway, of nodes and of monitoring are defined too.

    Raises:
        RehearsalError: a program is not there, or does not start.
        LocalError: the kinds of nodes cannot be built.
    """
    program, stages = _programs()
    client, peer, api = free_ports(3)
    folder.mkdir(mode=0o700)
    _make_keys(program, folder)
    token = secrets.token_urlsafe(32)
    tokens = folder / "tokens.csv"
    tokens.touch(mode=0o600)
    tokens.write_text(f'{token},{_ADMIN},{_ADMIN},"system:masters"\n')
    server = f"https://127.0.0.1:{api}"
    authority = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(json.dumps(kubeconfig_of(_ADMIN, server, authority, {"token": token})))
    pods = folder / "pods.sock"
    (folder / "egress.json").write_text(json.dumps(_egress(pods)))
    components = {
        "etcd": _etcd(folder, client, peer),
        "kube-apiserver": _apiserver(folder, client, api, tokens),
        "kube-controller-manager": _controller_manager(folder, kubeconfig),
        "kube-scheduler": [f"--kubeconfig={kubeconfig}", "--secure-port=0", "--leader-elect=false"],
        "kwok": _kwok(stages, kubeconfig),
    }
    first = ("etcd", "kube-apiserver")
    for name in first:
        children.start(name, [str(program), name, *components.pop(name)])
    plane = ControlPlane(server, authority, token, kubeconfig, pods)
    children.wait_until("the API server is ready", _START_LIMIT_S, lambda: _get(plane, "/readyz") == b"ok")
    for name, options in components.items():
        children.start(name, [str(program), name, *options])
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    children.wait_until("the controllers are at work", _START_LIMIT_S, lambda: bool(_get(plane, account)))
    if platform:
        define(plane, children, _of_platform(report))
    return plane


def define(plane: ControlPlane, children: Children, definitions: Sequence[dict[str, Any]]) -> None:
    """Define kinds, but for those that are, and wait until each is served. Raises RehearsalError."""
    for one in definitions:
        if not _get(plane, f"{_DEFINITIONS}/{one['metadata']['name']}"):
            send(plane, "POST", _DEFINITIONS, json.dumps(one).encode())
    for group in {f"/apis/{one['spec']['group']}/{one['spec']['versions'][0]['name']}" for one in definitions}:
        children.wait_until(f"{group} is served", _START_LIMIT_S, lambda group=group: bool(_get(plane, group)))  # type: ignore[misc]


def send(
    plane: ControlPlane, method: str, path: str, body: bytes | None = None, content: str = "application/json"
) -> bytes:
    """Send one request as the administrator; raises HTTPError for an answer that is an error."""
    trust = ssl.create_default_context(cadata=base64.b64decode(plane.authority).decode())
    headers = {"Authorization": f"Bearer {plane.token}", "Content-Type": content}
    request = urllib.request.Request(plane.server + path, data=body, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
        return bytes(answer.read())


def kubeconfig_of(context: str, server: str, authority: str, user: dict[str, Any]) -> dict[str, Any]:
    """A kubeconfig with one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    }


def _programs() -> tuple[Path, Path]:
    """The node program and kwok's stages, as the local environment built them last."""
    built = sorted(paths.CACHE_TOOLS.glob("node-*/node"), key=lambda path: path.stat().st_mtime)
    if not built:
        raise RehearsalError("Kubernetes is not built yet on this machine; `slipway local up --prepare-only` does it")
    return built[-1], built[-1].with_name("stages.yaml")


def _of_platform(report: Report) -> list[dict[str, Any]]:
    """What the platform's charts would define, of gateway, nodes and monitoring: no chart is installed here."""
    scaling = [
        *_definitions("KEDA", "keda-*/objects.json"),
        *_definitions("Prometheus", "monitoring-*/objects.json"),
    ]
    # The definitions that nothing here is of are the largest by far.
    scaling = [one for one in scaling if one["spec"]["names"]["kind"] in _SCALING]
    nodes: list[dict[str, Any]] = json.loads((karpenter.built(report) / "crds.json").read_text())
    return [*_definitions("Envoy Gateway", "gateway-*/crds.json"), *nodes, *scaling]


def _definitions(program: str, file: str) -> list[dict[str, Any]]:
    """The definitions of kinds that came with a program when the local environment built it last."""
    built = sorted(paths.CACHE_TOOLS.glob(file), key=lambda path: path.stat().st_mtime)
    if not built:
        raise RehearsalError(f"{program} is not built yet on this machine; `slipway local up --prepare-only` does it")
    objects: list[dict[str, Any]] = json.loads(built[-1].read_text())
    return [one for one in objects if one["kind"] == "CustomResourceDefinition"]


def _make_keys(program: Path, folder: Path) -> None:
    """One authority for all: whoever may read this folder is the administrator anyway."""
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    requests = [
        Request("ca", "authority", common_name="slipway-rehearsal"),
        Request("service-account", "key"),
        Request("etcd", "peer", "ca", "etcd", ips=["127.0.0.1"]),
        Request("apiserver", "server", "ca", "kube-apiserver", ips=["127.0.0.1", "10.96.0.1"], dns_names=names),
    ]
    text = json.dumps([asdict(request) for request in requests])
    made = subprocess.run([program, "pki", folder], input=text, text=True, capture_output=True, timeout=30, check=False)
    if made.returncode:
        raise RehearsalError(f"cannot make keys in {folder}: {made.stderr.strip()}")


def _etcd(folder: Path, client: int, peer: int) -> list[str]:
    urls = [f"https://127.0.0.1:{port}" for port in (client, peer)]
    return [
        f"--data-dir={folder}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={urls[0]}",
        f"--advertise-client-urls={urls[0]}",
        f"--listen-peer-urls={urls[1]}",
        f"--initial-advertise-peer-urls={urls[1]}",
        f"--initial-cluster=default={urls[1]}",
        *(f"--{kind}{file}" for kind in ("", "peer-") for file in (f"cert-file={folder}/etcd.crt",)),
        *(f"--{kind}{file}" for kind in ("", "peer-") for file in (f"key-file={folder}/etcd.key",)),
        f"--trusted-ca-file={folder}/ca.crt",
        f"--peer-trusted-ca-file={folder}/ca.crt",
        "--client-cert-auth",
        "--peer-client-cert-auth",
        "--log-level=warn",
    ]


def _apiserver(folder: Path, etcd: int, port: int, tokens: Path) -> list[str]:
    return [
        f"--etcd-servers=https://127.0.0.1:{etcd}",
        f"--etcd-cafile={folder}/ca.crt",
        f"--etcd-certfile={folder}/etcd.crt",
        f"--etcd-keyfile={folder}/etcd.key",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",  # the service `kubernetes` would refuse a loopback endpoint
        f"--secure-port={port}",
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--tls-cert-file={folder}/apiserver.crt",
        f"--tls-private-key-file={folder}/apiserver.key",
        f"--token-auth-file={tokens}",
        f"--egress-selector-config-file={folder}/egress.json",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={folder}/service-account.pub",
        f"--service-account-signing-key-file={folder}/service-account.key",
    ]


def _egress(pods: Path) -> dict[str, Any]:
    """How the API server reaches pods, whose addresses are nobody's: a CONNECT for each connection."""
    connection = {"proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": str(pods)}}}
    return {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": connection}],
    }


def _controller_manager(folder: Path, kubeconfig: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        "--secure-port=0",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--service-account-private-key-file={folder}/service-account.key",
        f"--root-ca-file={folder}/ca.crt",
    ]


def _kwok(stages: Path, kubeconfig: Path) -> list[str]:
    return [
        f"--config={stages}",
        f"--kubeconfig={kubeconfig}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        "--cidr=10.246.0.1/16",
    ]


def _get(plane: ControlPlane, path: str) -> bytes:
    """GET one path; an answer that is an error counts as none."""
    try:
        return send(plane, "GET", path)
    except urllib.error.HTTPError:
        return b""

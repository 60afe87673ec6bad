"""Say which keys and certificates the cluster needs and have the node program make the missing ones."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from slipway.local.cluster import facts
from slipway.local.host import commands

_LIMIT_S = 30


@dataclass(frozen=True)
class Request:
    """One line for `node pki`: an authority, a certificate signed by `ca`, or a bare key pair."""

    name: str
    usage: Literal["authority", "server", "client", "peer", "key"]
    ca: str = ""
    common_name: str = ""
    organization: Sequence[str] = ()
    ips: Sequence[str] = ()
    dns_names: Sequence[str] = ()


CLIENTS = {
    # file name: (user, groups), as Kubernetes' own RBAC and Node authorizer know them
    "admin": ("slipway-admin", ("system:masters",)),
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kube-proxy": ("system:kube-proxy", ()),
    "kubelet": (f"system:node:{facts.NODE_NAME}", ("system:nodes",)),
    # the rights of these are in objects.py
    "coredns": ("slipway:coredns", ()),
    "metrics-server": ("slipway:metrics-server", ()),
    "kwok": ("slipway:kwok", ()),
    "apiserver-kubelet": ("slipway:apiserver-kubelet", ()),
}


def requests() -> list[Request]:
    """Three authorities, so that a client of the API cannot speak to etcd nor pose as the front proxy."""
    services = [f"kubernetes{suffix}" for suffix in ("", ".default", ".default.svc")]
    api_names = ["localhost", *services, f"{services[-1]}.{facts.DOMAIN}"]
    api_ips = [facts.NODE_IP, facts.API_SERVICE_IP, "127.0.0.1"]
    return [
        Request("ca", "authority", common_name="slipway-local"),
        Request("etcd-ca", "authority", common_name="slipway-local-etcd"),
        Request("front-ca", "authority", common_name="slipway-local-front-proxy"),
        Request("service-account", "key"),
        Request("etcd", "peer", "etcd-ca", "etcd", ips=["127.0.0.1"]),
        Request("apiserver-etcd", "client", "etcd-ca", "kube-apiserver"),
        Request("front-proxy", "client", "front-ca", "front-proxy-client"),
        Request("apiserver", "server", "ca", "kube-apiserver", ips=api_ips, dns_names=api_names),
        Request("kubelet-server", "server", "ca", facts.NODE_NAME, ips=[facts.NODE_IP]),
        Request(
            "metrics-server-server",
            "server",
            "ca",
            "metrics-server",
            ips=[facts.NODE_IP],
            dns_names=["metrics-server.kube-system.svc"],
        ),
        *(Request(name, "client", "ca", user, groups) for name, (user, groups) in CLIENTS.items()),
    ]


def ensure(node_program: Path) -> None:
    """Make every key and certificate that is not there yet. Raises LocalError when that fails."""
    folder = facts.pki()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps([asdict(request) for request in requests()])
    with commands.explained(f"making the cluster's keys in {folder}"):
        subprocess.run(
            [node_program, "pki", folder], input=text, text=True, capture_output=True, timeout=_LIMIT_S, check=True
        )

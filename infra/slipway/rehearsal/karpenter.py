"""Run Karpenter beside a control plane: its own scheduler, limits, consolidation, drift and budgets, on kwok's nodes.

Pools and classes of nodes are applied as they are rendered. What an account would say of a class is a stand-in in the
program itself (modules/karpenter): images, subnets, security groups. EC2's notices of interruption are not here.
"""

import json
import os
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from slipway.local.build import karpenter
from slipway.local.host.steps import Report
from slipway.rehearsal import control_plane
from slipway.rehearsal.control_plane import ControlPlane
from slipway.rehearsal.processes import Children, free_ports

_NODES_OF_KWOK = {"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "spec": {}}
_START_LIMIT_S = 180.0


def start(
    plane: ControlPlane,
    folder: Path,
    children: Children,
    account: Mapping[str, Any],
    report: Report,
    *,
    preferences: bool = False,
) -> None:
    """Start it, and wait until it watches pools. Raises RehearsalError, and LocalError when it cannot be built.

    Args:
        plane: the control plane that it watches; its kinds are defined there first.
        folder: an existing folder for what it reads.
        children: what ends it.
        account: what EC2 has, of slipway.rehearsal.instance_types.
        report: gets how its build proceeds.
        preferences: whether a preference between pods is a reason for one more node, which is Karpenter's default.
    """
    built = karpenter.built(report)
    control_plane.define(plane, children, json.loads((built / "crds.json").read_text()))
    # Karpenter's provider of kwok's nodes wants a class; it says nothing of them.
    one = {**_NODES_OF_KWOK, "metadata": {"name": "rehearsal"}}
    control_plane.send(plane, "POST", "/apis/karpenter.kwok.sh/v1alpha1/kwoknodeclasses", json.dumps(one).encode())
    file = folder / "ec2.json"
    file.write_text(json.dumps(account))
    metrics, health = free_ports(2)
    settings = {
        "KUBECONFIG": str(plane.kubeconfig),
        "ACCOUNT_FILE": str(file),
        "CLUSTER_NAME": "rehearsal",
        "METRICS_PORT": str(metrics),
        "HEALTH_PROBE_PORT": str(health),
        "DISABLE_LEADER_ELECTION": "true",
        "PREFERENCE_POLICY": "Respect" if preferences else "Ignore",
        "FEATURE_GATES": "NodeOverlay=true",
    }
    children.start("karpenter", [str(built / "karpenter")], {**os.environ, **settings})
    children.wait_until("Karpenter is ready", _START_LIMIT_S, lambda: _ready(health))


def _ready(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
        return bool(answer.status == HTTPStatus.OK)

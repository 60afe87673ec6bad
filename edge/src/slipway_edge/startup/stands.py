"""What a device stands on: a Docker Engine, or a namespace of a cluster."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from slipway_edge.disk.files import Files
from slipway_edge.engine.port import Engine
from slipway_edge.forwarding.port import Ports
from slipway_edge.reporting.machine import Machine
from slipway_edge.rolling.trial import Ask, Limits
from slipway_edge.values.clock import RealClock
from slipway_edge.values.errors import EdgeError

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Parts:
    """What the rest of the agent works with.

    Attributes:
        memory_free: bytes that a version may take now.
        memory_bytes: what all models may take together; None where that is somebody else's to say.
        machine: what is measured; None where models run on other machines than the agent.
        end: called once, at the end.
    """

    engine: Engine
    ask: Ask
    ports: Ports
    memory_free: Callable[[], int]
    memory_bytes: int | None
    machine: Machine | None
    end: Callable[[], None]


Stand = Callable[[Path, str, Files], Parts]
"""Makes the parts of a device: its folder, its name, and what writes there."""


def on_docker(host: str, listen: str) -> Stand:
    """A Docker Engine; local ports are on `listen`.

    Raises:
        EdgeError: `listen` is no address of loopback.
    """
    if not _loopback(listen):
        raise EdgeError(f"--listen is {listen!r}; allowed: an address of loopback, since who reaches it may ask")

    def made(home: Path, _: str, files: Files) -> Parts:
        from slipway_edge.asking.golden import Asker  # noqa: PLC0415 - the other stand loads none of this
        from slipway_edge.engine.docker_engine import DockerEngine  # noqa: PLC0415
        from slipway_edge.forwarding.forwarder import Forwarder  # noqa: PLC0415

        configs = home / "configs"
        configs.mkdir(mode=0o700, exist_ok=True)
        machine, ports = Machine(home), Forwarder(listen)
        return Parts(
            DockerEngine(host, configs, files, home / "weights"),
            Asker().ask,
            ports,
            machine.memory_free,
            machine.memory_total() - Limits.spare_bytes,
            machine,
            ports.end,
        )

    return made


def on_kubernetes(kubeconfig: Path, namespace: str) -> Stand:
    """A namespace of the cluster of a kubeconfig.

    Raises:
        EdgeError: `namespace` is no name; from what it returns: the kubeconfig cannot be used.
    """
    named(namespace)

    def made(_: Path, device: str, __: Files) -> Parts:
        try:
            from slipway_edge.cluster.api import connected  # noqa: PLC0415 - the package is a device's with a cluster
        except ImportError as error:
            raise EdgeError(f"{error.name} is not installed; next: install slipway-edge[kubernetes]") from None
        from slipway_edge.asking.through_cluster import ClusterAsker  # noqa: PLC0415
        from slipway_edge.cluster.own import Own  # noqa: PLC0415
        from slipway_edge.engine.kubernetes_engine import KubernetesEngine  # noqa: PLC0415
        from slipway_edge.forwarding.service import ServicePorts  # noqa: PLC0415

        own = Own(connected(kubeconfig, namespace), device)
        return Parts(
            KubernetesEngine(own, RealClock()),
            ClusterAsker(own).ask,
            ServicePorts(own),
            # What is free is the scheduler's to know: a pod that no node has room for waits, and says so.
            lambda: sys.maxsize,
            None,
            None,
            lambda: None,
        )

    return made


def named(namespace: str) -> str:
    """A namespace that can be.

    Raises:
        EdgeError: `namespace` is no name.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise EdgeError(f"--namespace is {namespace!r}; allowed: small letters, digits and hyphens, 63 at most")
    return namespace


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False

"""Fix the cluster's addresses, names and folders: one place for what its parts must agree on."""

from dataclasses import dataclass
from pathlib import Path

from slipway.local.host import paths

NODE_NAME = "local"
BRIDGE = "slipway0"
"""A bridge without ports: it carries the node's address, because a kubelet refuses a loopback one."""

NODE_IP = "10.244.255.1"
POD_CIDR = "10.244.0.0/24"
SERVICE_CIDR = "10.245.0.0/16"
API_SERVICE_IP = "10.245.0.1"
DNS_SERVICE_IP = "10.245.0.10"
FAKE_POD_CIDR = "10.246.0.0/24"
"""What kwok gives to pods that exist in the API only."""

NODE_AND_POD_RANGE = "10.244.0.0/16"
CLUSTER_RANGE = "10.244.0.0/15"
"""Node, pods and services together: nothing from outside this machine may be sent to it."""

DOMAIN = "cluster.local"
CLUSTER_NAME = "slipway-local"
"""Also the name of the CNI network and of the control group that every pod is in."""

API_PORT = 6443
METRICS_PORT = 4443
HEALTH_PORTS = (10248, 10249, 10256)
"""On loopback, without authentication: health of the kubelet, metrics and health of kube-proxy."""
API_URL = f"https://{NODE_IP}:{API_PORT}"
REGISTRY = "127.0.0.1:5000"
PAUSE_IMAGE = "slipway.local/pause:1"
ETCD_CLIENT_URL = "https://127.0.0.1:12379"
ETCD_PEER_URL = "https://127.0.0.1:12380"


@dataclass(frozen=True)
class Tools:
    """What the cluster is started from, as `build` made it: absolute paths."""

    node_program: Path
    """Every component in one program, chosen by its first argument."""
    pause_image: Path
    """OCI archive of PAUSE_IMAGE."""
    stages: Path
    """How kwok moves fake nodes and their pods on."""


def home() -> Path:
    """The cluster's own folder. A function, since tests move the state."""
    return paths.STATE_CLUSTER


def pki() -> Path:
    """Keys (0600) and certificates."""
    return home() / "pki"


def config() -> Path:
    """Configuration files and the components' kubeconfigs, written anew at every start."""
    return home() / "config"


def containerd_socket() -> Path:
    """The socket of our containerd, never the machine's."""
    return home() / "containerd.sock"


def containerd_state() -> Path:
    """Holds mounts of running pods: root file systems, shared memory, network namespaces."""
    return home() / "containerd-state"

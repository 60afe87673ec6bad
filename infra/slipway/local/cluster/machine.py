"""Check that this machine can carry the cluster, and say all that it lacks at once."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slipway.local.cluster import facts, network, ports
from slipway.local.cluster.components import Component
from slipway.local.host import commands
from slipway.local.host.errors import LocalError

_PROGRAMS = {
    # program: Debian package that brings it
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables-save": "iptables",
    "iptables-restore": "iptables",
    "ip": "iproute2",
    "mount": "mount",
    "umount": "mount",
}
_CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
_CNI_PLUGINS = ("ptp", "host-local", "loopback")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SOCKET_LIMIT = 104
_PROBE_LIMIT_S = 10


@dataclass(frozen=True)
class Machine:
    """What was found on this machine."""

    containerd: Path
    cni_plugins: Path
    snapshotter: str


def check() -> Machine:
    """Find the programs the cluster runs on. LocalError: what is missing, all of it, and how to get it."""
    if os.geteuid() != 0:
        raise LocalError("the local cluster needs root (bridge, mounts, control groups): run it as root")
    # Debian's sbin folders are not on everybody's PATH, but components look there for iptables and runc.
    os.environ["PATH"] = ":".join(dict.fromkeys([*os.environ["PATH"].split(":"), *_SYSTEM_PATH.split(":")]))
    problems = [
        f"{program} is missing: apt-get install {package}"
        for program, package in _PROGRAMS.items()
        if shutil.which(program) is None
    ]
    plugins = next((f for f in _CNI_FOLDERS if all((f / name).exists() for name in _CNI_PLUGINS)), None)
    if plugins is None:
        wanted, folders = ", ".join(_CNI_PLUGINS), " and ".join(map(str, _CNI_FOLDERS))
        problems.append(f"CNI plugins {wanted} are missing in {folders}: apt-get install containernetworking-plugins")
    socket = str(facts.containerd_socket())
    if len(socket) > _SOCKET_LIMIT:
        problems.append(
            f"{socket} is longer than the {_SOCKET_LIMIT} characters of a socket's path: shorten XDG_STATE_HOME"
        )
    if not problems and network.foreign_kube_proxy():
        problems.append(
            "the packet rules of another Kubernetes node are on this machine (chain KUBE-SERVICES):"
            " stop that node, then remove them with `kube-proxy --cleanup` or a reboot"
        )
    if problems or plugins is None:
        raise LocalError("this machine cannot run the local cluster:\n  " + "\n  ".join(problems))
    program = shutil.which("containerd")
    assert program is not None  # noqa: S101  (checked above)
    return Machine(Path(program), plugins, "overlayfs" if _has_overlay() else "native")


def check_ports(components: Iterable[Component]) -> None:
    """LocalError when another process already listens where one of `components` would."""
    listening = ports.listening()
    problems = []
    for component in components:
        for socket in component.listens:
            holder = ports.holder(listening, socket)
            if holder is not None:
                problems.append(
                    f"{component.name} needs {socket.protocol} port {socket.port} on {socket.address}, which "
                    f"{holder} holds: stop it"
                )
    if problems:
        raise LocalError("ports of the local cluster are taken:\n  " + "\n  ".join(problems))


def _has_overlay() -> bool:
    """Try an overlay mount where images will lie: some kernels have none, some file systems do not carry one."""
    folder = facts.home() / "overlay-probe"
    parts = {name: folder / name for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
    argv = ["mount", "-t", "overlay", "overlay", "-o", options, str(parts["merged"])]
    with commands.explained(f"trying an overlay mount in {folder}"):
        mounted = subprocess.run(argv, capture_output=True, timeout=_PROBE_LIMIT_S, check=False).returncode == 0
        if mounted:
            subprocess.run(["umount", parts["merged"]], capture_output=True, timeout=_PROBE_LIMIT_S, check=True)
    shutil.rmtree(folder)
    return mounted

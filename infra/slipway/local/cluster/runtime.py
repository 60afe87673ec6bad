"""Reach our containerd, and find what it leaves behind when it is gone: shims, mounts, files elsewhere."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from slipway.local.cluster import facts
from slipway.local.host import commands
from slipway.local.host.errors import LocalError

_LIMIT_S = 30
_SHIM_LIMIT_S = 5.0
_CNI_RESULTS = Path("/var/lib/cni/results")
_CONTAINER_LOG_LINKS = Path("/var/log/containers")
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
"""The kubelet has no option for this one."""
_SHARED_FOLDERS = (
    _CNI_RESULTS,
    _CNI_RESULTS.parent,
    _DEVICE_PLUGINS,
    _DEVICE_PLUGINS.parent,
    Path("/run/containerd/s"),
    Path("/run/containerd/runc/k8s.io"),
    Path("/run/containerd/runc"),
    Path("/run/containerd"),
)


def answers() -> bool:
    """Whether containerd answers on its socket."""
    return facts.containerd_socket().is_socket() and _ctr("version").returncode == 0


def import_pause_image(archive: Path) -> None:
    """Load the image of the pods' first process. LocalError: containerd refused it."""
    present = _ctr("--namespace", "k8s.io", "images", "list", "-q", f"name=={facts.PAUSE_IMAGE}")
    if present.stdout.strip():
        return
    done = _ctr("--namespace", "k8s.io", "images", "import", str(archive))
    if done.returncode:
        raise LocalError(f"containerd does not take {archive}: {done.stderr.strip()}")


def kill_shims() -> list[str]:
    """Kill the shims of our containerd, which outlive it by design. Returns those that did not end in 5 s."""
    deadline = time.monotonic() + _SHIM_LIMIT_S
    while shims := _shims():
        if time.monotonic() > deadline:
            return [f"containerd shim {pid}" for pid in shims]
        for pid in shims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return []


def _shims() -> list[int]:
    """Pids of the shims that serve our containerd's socket, and no other's."""
    wanted = str(facts.containerd_socket()).encode()
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it ended while we looked
            if entry.name.isdigit():
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if b"containerd-shim" in arguments[0] and wanted in arguments:
                    found.append(int(entry.name))
    return found


def unmount_all() -> list[str]:
    """Unmount all that is mounted below the cluster's folder, innermost first. Returns what stayed mounted."""
    points = _mount_points(Path("/proc/self/mounts").read_text(), facts.home())
    for point in points:
        with contextlib.suppress(subprocess.TimeoutExpired):  # told below, like every other that stays
            subprocess.run(["umount", "--lazy", point], capture_output=True, timeout=_LIMIT_S, check=False)
    left = _mount_points(Path("/proc/self/mounts").read_text(), facts.home())
    return [f"mount {point}" for point in left]


def _mount_points(mounts: str, folder: Path) -> list[str]:
    """Mount points below `folder` given /proc/self/mounts, whose blanks are octal escapes."""
    points = [line.split()[1].encode().decode("unicode_escape") for line in mounts.splitlines()]
    return [point for point in reversed(points) if Path(point).is_relative_to(folder)]


def remove_dead_sockets() -> None:
    """Remove the sockets of our shims that were killed; containerd, at its start, only forgets where they were."""
    sockets = Path("/proc/net/unix").read_text()
    for socket in _sockets():
        if str(socket) not in sockets:
            socket.unlink(missing_ok=True)


def _sockets() -> list[Path]:
    """Where the shims of our containers listen, or listened: outside of the cluster's folder, among those of others."""
    files = facts.containerd_state().glob("io.containerd.runtime.v2.task/*/*/address")
    return [Path(file.read_text().strip().removeprefix("unix://")) for file in files]


def remove_traces() -> None:
    """Remove what containerd, CNI plugins and the kubelet wrote outside the cluster's folder for our pods."""
    for socket in _sockets():
        socket.unlink(missing_ok=True)
    for result in _CNI_RESULTS.glob("*"):
        if str(facts.home()) in result.read_text():  # the path of the pod's network namespace is in it
            result.unlink(missing_ok=True)
    for link in _CONTAINER_LOG_LINKS.glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(facts.home()):
            link.unlink()
    for name in ("kubelet.sock", "kubelet_internal_checkpoint", "DEPRECATION"):
        (_DEVICE_PLUGINS / name).unlink(missing_ok=True)
    for folder in (*_SHARED_FOLDERS, _CONTAINER_LOG_LINKS):
        with contextlib.suppress(OSError):  # another's files are in it, or it is not there
            folder.rmdir()


def _ctr(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["ctr", "--address", str(facts.containerd_socket()), *arguments]
    with commands.explained("asking containerd"):
        return subprocess.run(argv, text=True, capture_output=True, timeout=_LIMIT_S, check=False)

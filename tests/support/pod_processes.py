"""Find the processes of a pod from the node that it runs on, this machine: to kill one, to count its CPU seconds."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from slipway.cluster.api import Cluster
from slipway.local.host import processes

_PAUSE = "pause"
_TICKS = os.sysconf("SC_CLK_TCK")


def processes_of(pod: dict[str, Any]) -> dict[int, str]:
    """The pids of a pod's containers, and what each runs; the container that only holds the network left out."""
    uid = pod["metadata"]["uid"]
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            if uid in (folder / "cgroup").read_text():
                found[int(folder.name)] = (folder / "comm").read_text().strip()
        except OSError:
            continue  # it has ended meanwhile
    return {pid: name for pid, name in found.items() if name != _PAUSE}


def kill(pod: dict[str, Any], program: str = "") -> None:
    """Kill the containers of a pod without warning, or the one that runs a program; its kubelet starts it again.

    Raises RuntimeError when there is nothing to kill.
    """
    there = processes_of(pod)
    chosen = [pid for pid, name in there.items() if program in name]
    if not chosen:
        raise RuntimeError(f"pod {pod['metadata']['name']} runs no {program or 'process'}, only {there}")
    for pid in chosen:
        with suppress(ProcessLookupError):  # it went with its parent
            os.kill(pid, signal.SIGKILL)


def restarts(pod: dict[str, Any]) -> int:
    """How often its kubelet has started a container of the pod again."""
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))


def cpu_s(pods: list[dict[str, Any]]) -> float:
    """CPU seconds that the pods' processes have used, those that run now."""
    total = 0
    for pid in [pid for pod in pods for pid in processes_of(pod)]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def ready(cluster: Cluster, selector: str, count: int, limit_s: float = 120.0) -> list[dict[str, Any]]:
    """Wait until exactly so many pods are there, all of them ready and none of them leaving; gives them."""

    def found() -> bool:
        pods = cluster.list("Pod", selector)
        return len(pods) == count and all(_is_ready(pod) for pod in pods)

    processes.wait_until(f"{count} ready pods {selector}", limit_s, found)
    return cluster.list("Pod", selector)


def restarted(cluster: Cluster, pod: dict[str, Any], limit_s: float = 120.0) -> None:
    """Wait until a pod whose container was killed is ready again."""
    before, name = restarts(pod), pod["metadata"]["name"]

    def found() -> bool:
        now = cluster.read("Pod", name)
        return now is not None and restarts(now) > before and _is_ready(now)

    processes.wait_until(f"the restart of pod {name}", limit_s, found)
    time.sleep(1)  # until those who ask the API server have heard of it


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return "deletionTimestamp" not in pod["metadata"] and any(
        item["type"] == "Ready" and item["status"] == "True" for item in conditions
    )

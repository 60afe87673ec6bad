"""Bring the cluster up, take it down, say how it is: the order of things."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

from slipway.local.cluster import cgroups, components, configs, facts, machine, network, objects, pki, probes, runtime
from slipway.local.cluster.api import Api
from slipway.local.cluster.components import Component
from slipway.local.host import paths, processes
from slipway.local.host.steps import Report

_STOP_ORDER = (
    ("kwok", "metrics-server", "coredns", "kube-proxy", "kubelet", "kube-scheduler", "kube-controller-manager"),
    ("containerd",),
)


def start(tools: facts.Tools, report: Report) -> None:
    """Bring the cluster up, or back up after a kill or a reboot; looks after the packet rules when all of it runs.

    Ends with the node Ready, the default ServiceAccount there, the DNS answering through its Service and the
    metrics API available; the kubeconfig is paths.KUBECONFIG. Raises LocalError: what is missing on this
    machine, which port is taken by whom, or what did not happen in time.
    """
    begin = time.monotonic()
    paths.prepare()
    facts.home().mkdir(exist_ok=True, mode=0o700)
    found = machine.check()
    if found.snapshotter == "native":
        report("this kernel or disk has no overlay file system: image layers are copied, which takes room and time")
    pki.ensure(tools.node_program)
    configs.write_all(found.cni_plugins, found.snapshotter)
    configs.write_user_kubeconfig()
    parts = components.of_node_program(tools.node_program, tools.stages)
    containerd = components.containerd(found.containerd)
    wanted = (containerd, *parts.values())
    # Other arguments mean another version of the program, other files another configuration of it: such a daemon is
    # started again, pods serve on.
    as_wanted = all(processes.runs(part.name, part.argv, files=part.files) for part in wanted)
    machine.check_ports(part for part in wanted if not processes.alive(part.name))
    # Also where all runs: somebody may have flushed the packet rules, and those of an older version are changed.
    network.create()
    api = Api()
    if as_wanted and probes.cluster_is_usable(api):
        report("cluster is running")
        return
    cgroups.create()
    _start_control_plane(parts, containerd, tools, api)
    report(f"API server ready after {time.monotonic() - begin:.1f} s")
    _start_rest(parts, api)
    report(f"cluster usable after {time.monotonic() - begin:.1f} s")


def stop(report: Report) -> list[str]:
    """End every process of the cluster and its pods and undo its changes to the machine.

    What the API holds stays in the cluster's folder, and a later start resumes it. Returns what could not be
    removed, one phrase each; empty when nothing is left.
    """
    left: list[str] = []
    for names in _STOP_ORDER:
        left += processes.stop(names, grace_s=3.0)
    left += cgroups.kill_all()
    left += runtime.kill_shims()
    # The apiserver waits for open watches after SIGTERM; etcd has all it knows.
    left += processes.stop(["kube-apiserver"], grace_s=1.0)
    left += processes.stop(["etcd"], grace_s=3.0)
    left += runtime.unmount_all()
    left += cgroups.remove()
    left += network.remove()
    runtime.remove_traces()
    shutil.rmtree(facts.home() / "cni-addresses", ignore_errors=True)
    report("cluster stopped" if not left else f"cluster stopped, {len(left)} things could not be removed")
    return left


def status() -> list[tuple[str, str]]:
    """Name and state ("running, pid 12" or "not running") of every component, in the order of their start."""
    names = ("containerd", *components.NODE_COMPONENTS)
    pids = {name: processes.pid(name) for name in names}
    return [(name, f"running, pid {pid}" if pid is not None else "not running") for name, pid in pids.items()]


def _start_control_plane(parts: dict[str, Component], containerd: Component, tools: facts.Tools, api: Api) -> None:
    """Everything up to a ready API server, with the kubelet starting beside it."""
    if not processes.alive(containerd.name):
        runtime.remove_dead_sockets()
    for part in (parts["etcd"], parts["kube-apiserver"], containerd):
        processes.spawn(part.name, part.argv, files=part.files)
    processes.wait_until("containerd answers", 60, runtime.answers, watch=["containerd"])
    runtime.import_pause_image(tools.pause_image)
    processes.wait_until("the API server is ready", 90, api.is_ready, watch=["etcd", "kube-apiserver"])


def _start_rest(parts: dict[str, Component], api: Api) -> None:
    """The rest of the components, and the waits that make the cluster usable."""
    begin = datetime.now(UTC)
    for item in (*objects.rights(), *objects.services()):
        api.apply(item)
    fresh_node = processes.spawn("kubelet", parts["kubelet"].argv, files=parts["kubelet"].files)
    for name in ("kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns", "metrics-server", "kwok"):
        processes.spawn(name, parts[name].argv, files=parts[name].files)
    heard_since = begin if fresh_node else None

    def wait(what: str, limit_s: float, probe: Callable[[], bool]) -> None:
        processes.wait_until(what, limit_s, probe, watch=list(parts))

    wait("the node is Ready", 90, lambda: probes.node_is_ready(api, heard_since))
    wait("the default ServiceAccount is there", 60, lambda: probes.default_account_exists(api))
    wait("the DNS answers at its Service's address", 60, probes.dns_answers)
    wait("metrics-server listens", 60, probes.metrics_server_listens)
    api.apply(objects.metrics_api(facts.pki() / "ca.crt", begin.isoformat()))
    wait("the metrics API is available", 90, lambda: probes.metrics_are_available(api))

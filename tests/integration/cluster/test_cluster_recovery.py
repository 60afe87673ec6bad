"""What the local cluster survives: starting twice, daemons killed, everything killed, stopped and started."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from slipway.local import cluster
from slipway.local.build import golang
from slipway.local.cluster import cgroups, facts, network, node_tools, runtime
from slipway.local.host import paths, processes
from slipway.local.host.errors import LocalError
from tests.integration.cluster.conftest import create, eventually, get

pytestmark = [pytest.mark.integration, pytest.mark.serial]


@pytest.fixture(scope="session")
def tools() -> cluster.Tools:
    """From the cache: `local up` has built them."""
    return node_tools.bring(golang.find([node_tools.MODULE], print), print)


def _pids() -> dict[str, int | None]:
    return {name: processes.pid(name) for name, _ in cluster.status()}


def _kill(name: str) -> None:
    pid = processes.pid(name)
    assert pid is not None, f"{name} does not run"
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not processes.alive(name), f"{name} has ended", limit_s=10)


def test_starting_a_running_cluster_leaves_every_process_as_it_is(tools: cluster.Tools) -> None:
    before = _pids()
    assert all(before.values())
    said: list[str] = []
    cluster.start(tools, said.append)
    assert _pids() == before
    assert said == ["cluster is running"]


def test_pods_go_on_serving_while_the_api_server_is_killed_and_started_again(
    tools: cluster.Tools, serve: Callable[..., str]
) -> None:
    url = serve("web")
    _kill("kube-apiserver")
    assert get(url)[0] == 200
    cluster.start(tools, print)
    assert get(url)[0] == 200


def test_a_killed_kubelet_is_brought_back_and_starts_pods_again(
    tools: cluster.Tools, serve: Callable[..., str]
) -> None:
    others = {name: pid for name, pid in _pids().items() if name != "kubelet"}
    _kill("kubelet")
    cluster.start(tools, print)
    assert {name: pid for name, pid in _pids().items() if name != "kubelet"} == others
    serve("after")


def test_pods_outlive_a_killed_containerd_and_are_managed_again_after_start(
    tools: cluster.Tools, serve: Callable[..., str], api: client.ApiClient, namespace: str
) -> None:
    url = serve("web")
    name = get(url)[1]
    _kill("containerd")
    assert get(url) == (200, name)
    cluster.start(tools, print)
    assert get(url) == (200, name)
    client.CoreV1Api(api).delete_namespaced_pod(name, namespace)
    eventually(lambda: get(url)[0] == 200 and get(url)[1] != name, "another pod answers")


def test_all_daemons_killed_come_back_while_the_pods_serve_on(tools: cluster.Tools, serve: Callable[..., str]) -> None:
    url = serve("web")
    answer = get(url)
    for name in _pids():
        _kill(name)
    assert get(url) == answer
    cluster.start(tools, print)
    # A kubelet that was started anew takes every pod for unready until it has probed it once.
    eventually(lambda: get(url) == answer, "the same pod answers")


def test_stopped_and_started_again_the_cluster_resumes_its_pods(
    tools: cluster.Tools, serve: Callable[..., str]
) -> None:
    url = serve("web")
    assert cluster.stop(print) == []
    assert get(url)[0] == 0
    cluster.start(tools, print)
    eventually(lambda: get(url)[0] == 200, "the pod answers again")


def test_after_a_reboot_it_resumes_with_stale_pid_files_and_runtime_state_and_no_network_of_ours(
    tools: cluster.Tools, serve: Callable[..., str]
) -> None:
    url = serve("web")
    # Docker, the registry and the plugin are no part of the cluster: they run on.
    killed = [paths.STATE_RUN / f"{name}.pid" for name in _pids()]
    for name in _pids():
        _kill(name)
    assert cgroups.kill_all() + runtime.kill_shims() + runtime.unmount_all() + cgroups.remove() == []
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["iptables-restore", "--noflush"], input=network.removal(rules), text=True, check=True)
    subprocess.run(["ip", "link", "delete", facts.BRIDGE], check=True)
    for file in killed:
        file.write_text(json.dumps(json.loads(file.read_text()) | {"boot": "the one before", "pid": os.getpid()}))
    assert get(url)[0] == 0
    cluster.start(tools, print)
    eventually(lambda: get(url)[0] == 200, "the pod answers again")


def test_a_port_that_another_process_holds_is_named_with_the_process(tools: cluster.Tools) -> None:
    try:
        _kill("kwok")
        _kill("kube-scheduler")
        with socket.create_server(("127.0.0.1", 10259)):
            with pytest.raises(LocalError, match=rf"kube-scheduler needs tcp port 10259 .* process {os.getpid()} "):
                cluster.start(tools, print)
            assert not processes.alive("kwok")
    finally:
        cluster.start(tools, print)


def test_a_fake_node_becomes_ready_and_runs_pods_that_ask_for_its_gpus(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    name = f"gpu-{namespace}"
    capacity = {"cpu": "48", "memory": "192Gi", "pods": "110", "nvidia.com/gpu": "8"}
    metadata = {"annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"gpu": namespace}}
    create(api, "v1", "Node", name, metadata=metadata, status={"capacity": capacity, "allocatable": capacity})
    try:
        container = {"name": "c", "image": "none", "resources": {"limits": {"nvidia.com/gpu": "8"}}}
        spec = {"containers": [container], "nodeSelector": {"gpu": namespace}}
        create(api, "v1", "Pod", "fits", namespace, spec=spec)
        eventually(lambda: _status(core, "fits", namespace).phase == "Running", "the pod runs on the fake node")
        create(api, "v1", "Pod", "too-many", namespace, spec=spec)
        eventually(lambda: "nvidia.com/gpu" in _why(core, "too-many", namespace), "the next pod waits for GPUs")
    finally:
        core.delete_node(name)


def _status(core: client.CoreV1Api, name: str, namespace: str) -> Any:
    pod: Any = core.read_namespaced_pod(name, namespace)
    return pod.status


def _why(core: client.CoreV1Api, name: str, namespace: str) -> str:
    return " ".join(entry.message or "" for entry in _status(core, name, namespace).conditions or [])

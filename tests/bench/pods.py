"""Simulate what real pods would be: a node of kwok's, and one process that answers for every pod on it.

Forty containers on two cores would measure containerd, not Slipway. So the pods exist in the API only (kwok makes
them ready at once), their addresses are made local to this machine, and a request to one is answered here with
what its own release's golden request expects. Everything else on the way of an `up` is real.
"""

import asyncio
import ipaddress
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slipway.catalog.pod_contract import SERVER_PORT
from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused

NODE = "bench-simulated"
_NETWORK = ipaddress.ip_network("10.246.1.0/24")
"""Beside the range that kwok gives out by itself, and like it led nowhere by the cluster's own routes."""
_NODES = "/api/v1/nodes"
_SELECTOR = {"slipway.dev/bench": "simulated"}
_TAINT = {"key": "slipway.dev/bench", "value": "simulated", "effect": "NoSchedule"}
_LIMIT_S = 10

POOL: dict[str, Any] = {
    "name": "simulated",
    "max_nodes": 1,
    "cpu": "64",
    "memory": "256Gi",
    "selector": _SELECTOR,
    "taints": [_TAINT],
}
"""The node pool as settings describe it."""


@contextmanager
def simulated_pods(cluster: Cluster) -> Iterator[None]:
    """Have the node and its answering pods while the block runs."""
    _remove_node(cluster)
    _route("replace")
    try:
        cluster.request("POST", _NODES, body=_node())
        with _answering(cluster):
            yield
    finally:
        _remove_node(cluster)
        _route("delete")


def _node() -> dict[str, Any]:
    amounts = {"cpu": POOL["cpu"], "memory": POOL["memory"], "pods": "250", "ephemeral-storage": "1Ti"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": _SELECTOR, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"taints": [_TAINT], "podCIDR": str(_NETWORK), "podCIDRs": [str(_NETWORK)]},
        "status": {"capacity": amounts, "allocatable": amounts},
    }


def _remove_node(cluster: Cluster) -> None:
    try:
        cluster.request("DELETE", f"{_NODES}/{NODE}")
    except ApiRefused as error:
        if error.status != 404:
            raise


def _route(verb: str) -> None:
    """Make the pods' addresses ones of this machine, or end that."""
    command = ["ip", "route", verb, "local", str(_NETWORK), "dev", "lo"]
    subprocess.run(command, check=True, timeout=_LIMIT_S, capture_output=True)


@contextmanager
def _answering(cluster: Cluster) -> Iterator[None]:
    """Listen on every pod address in a thread of its own while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = asyncio.run_coroutine_threadsafe(_listen(cluster), loop).result(_LIMIT_S)
    try:
        yield
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_LIMIT_S)


async def _listen(cluster: Cluster) -> list[asyncio.Server]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        await reader.readexactly(length)
        body = json.dumps(await asyncio.to_thread(_answer, cluster, address)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
        writer.write(b"content-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    servers = []
    for address in _NETWORK.hosts():
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Only from this machine: the addresses are local, but not loopback ones.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        listener.bind((str(address), SERVER_PORT))
        servers.append(await asyncio.start_server(serve, sock=listener))
    return servers


def _answer(cluster: Cluster, address: str) -> dict[str, Any]:
    """What the pod at an address answers to its golden request, by the configuration that it would have read."""
    query = {"fieldSelector": f"status.podIP={address}"}
    pods = json.loads(cluster.request("GET", "/api/v1/pods", query=query))["items"]
    pod = max(pods, key=lambda item: str(item["metadata"]["creationTimestamp"]))
    volumes = pod["spec"]["volumes"]
    name = next(volume["configMap"]["name"] for volume in volumes if "configMap" in volume)
    path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/configmaps/{name}"
    config = json.loads(json.loads(cluster.request("GET", path))["data"]["server.json"])
    return {
        "model": config["model"]["name"],
        "version": config["model"]["version"],
        "release": config["release"],
        "outputs": config["check"]["expect"],
    }

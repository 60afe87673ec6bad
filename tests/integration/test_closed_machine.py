"""The local environment as its machine's other users and its neighbours on the wire find it."""

import http.client
import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from slipway.local.cluster import components, facts, ports
from slipway.local.docker import registry
from slipway.local.host import paths
from tests.support.namespaces import Namespace, namespaces
from tests.support.other_user import NOBODY, connected, needs_root
from tests.support.provider_stack import Cluster

pytestmark = [pytest.mark.integration, pytest.mark.serial, needs_root]

REGISTRY_PORT = int(registry.ADDRESS.rpartition(":")[2])


def _on_host(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=20)


class Neighbour:
    """A machine at the other end of a cable; `here` is this machine's address on it, `there` its own."""

    def __init__(self, namespace: Namespace, number: int) -> None:
        self.namespace = namespace
        self.here, self.there = (f"198.51.100.{4 * number + host}" for host in (1, 2))
        near, far = (f"t{uuid.uuid4().hex[:10]}" for _ in range(2))
        _on_host("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace.name)
        _on_host("ip", "address", "add", f"{self.here}/30", "dev", near)
        _on_host("ip", "link", "set", near, "up")
        namespace.run("ip", "address", "add", f"{self.there}/30", "dev", far)
        namespace.run("ip", "link", "set", far, "up")
        namespace.run("ip", "route", "add", "default", "via", self.here)
        # It tries all that it can: loopback addresses go over the wire too.
        namespace.set("net/ipv4/conf/all/route_localnet", "1")
        namespace.run("ip", "address", "flush", "dev", "lo")
        namespace.run("ip", "route", "add", "127.0.0.0/8", "via", self.here, "src", self.there)


@pytest.fixture(scope="module")
def neighbours() -> Iterator[list[Neighbour]]:
    with namespaces(2) as made:
        yield [Neighbour(namespace, number) for number, namespace in enumerate(made)]


@pytest.fixture(scope="module")
def node_port() -> Iterator[int]:
    """A NodePort of loopback that leads to the API server."""
    cluster, name = Cluster(), f"closed-{uuid.uuid4().hex[:8]}"
    where = "/api/v1/namespaces/default/services"
    spec = {"type": "NodePort", "ports": [{"port": 443, "targetPort": facts.API_PORT}]}
    made = cluster.call("POST", where, {"metadata": {"name": name}, "spec": spec}) or {}
    endpoints = {
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [facts.NODE_IP]}],
        "ports": [{"port": facts.API_PORT}],
    }
    cluster.call("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", endpoints)
    port = made["spec"]["ports"][0]["nodePort"]
    until = time.monotonic() + 20
    while not _open("127.0.0.1", port):
        assert time.monotonic() < until, "kube-proxy did not open the NodePort within 20 s"
        time.sleep(0.1)
    yield port
    cluster.call("DELETE", f"{where}/{name}")


def test_a_neighbour_reaches_nothing_of_it(neighbours: list[Neighbour], node_port: int) -> None:
    neighbour = neighbours[0]
    with socket.create_server((neighbour.here, 0)) as open_to_all:
        assert neighbour.namespace.reaches(neighbour.here, open_to_all.getsockname()[1]), "the cable is no cable"
    connected(node_port, 0).close()
    parts = components.of_node_program(paths.STATE, paths.STATE).values()
    listens = {(where.address, where.port) for part in parts for where in part.listens if where.protocol == "tcp"}
    listens |= {("127.0.0.1", REGISTRY_PORT), ("127.0.0.1", node_port), (facts.API_SERVICE_IP, 443)}
    reached = {(address, port) for address, port in listens if neighbour.namespace.reaches(address, port)}
    assert reached == set()
    with neighbour.namespace.inside():
        assert not {port for _, port in listens if _open(neighbour.here, port)}


def _open(address: str, port: int) -> bool:
    with socket.socket() as link:
        link.settimeout(1)
        return link.connect_ex((address, port)) == 0


def test_nothing_of_it_listens_beyond_loopback_and_the_bridge() -> None:
    of_us = {"127.0.0.1", facts.NODE_IP, "::ffff:127.0.0.1", "::1"}
    ours = {port for part in components.of_node_program(paths.STATE, paths.STATE).values() for port in part.listens}
    known = {port.port for port in ours} | {REGISTRY_PORT, int((paths.STATE_PROVIDER / "port").read_text())}
    beyond = [entry.socket for entry in ports.listening() if entry.socket.port in known]
    assert {where.address for where in beyond} <= of_us


def test_neighbours_do_not_reach_each_other_through_it_where_it_was_no_router(neighbours: list[Neighbour]) -> None:
    before = json.loads((facts.home() / "kernel-settings.json").read_text())["net/ipv4/ip_forward"]
    one, other = neighbours
    with other.namespace.listen(other.there, 8080):
        assert one.namespace.reaches(other.there, 8080) is (before != "0")


def test_another_user_can_neither_push_to_the_registry_nor_list_nor_delete() -> None:
    with pytest.raises(ConnectionRefusedError):
        connected(REGISTRY_PORT, NOBODY)
    with closing(http.client.HTTPConnection(registry.ADDRESS, timeout=10)) as own:
        own.request("GET", "/v2/_catalog")
        assert own.getresponse().status == 200


@pytest.mark.parametrize("port", facts.HEALTH_PORTS)
def test_another_user_cannot_read_what_components_say_without_a_password(port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        connected(port, NOBODY)
    connected(port, os.geteuid()).close()


def test_another_user_reaches_models_as_everybody_on_the_machine_does(node_port: int) -> None:
    connected(node_port, NOBODY).close()

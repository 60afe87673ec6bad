"""What the packet rules of the local environment let through, tried on machines of network namespaces."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.local.cluster import facts, network
from slipway.local.host import packet_filter
from tests.support.namespaces import Namespace, cable, namespaces
from tests.support.other_user import NOBODY, connected

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("iptables-restore") is None or shutil.which("ip") is None,
        reason="needs root, and iptables and iproute2, which the local environment brings",
    ),
]

PORT = 30567
POD = "10.244.0.7"


class Wires:
    """The machine with two neighbours and a pod."""

    def __init__(self, machine: Namespace, near: Namespace, far: Namespace, pod: Namespace) -> None:
        self.machine, self.near, self.far, self.pod = machine, near, far, pod
        cable(machine, "192.0.2.1/24", near, "192.0.2.2/24")
        cable(machine, "198.51.100.1/24", far, "198.51.100.2/24")
        link = cable(machine, "10.244.0.1/32", pod, f"{POD}/24")
        machine.run("ip", "route", "add", f"{POD}/32", "dev", link)
        machine.run("ip", "link", "add", facts.BRIDGE, "type", "bridge")
        machine.run("ip", "address", "add", f"{facts.NODE_IP}/32", "dev", facts.BRIDGE)
        machine.run("ip", "link", "set", facts.BRIDGE, "up")
        pod.run("ip", "route", "add", "default", "via", "10.244.0.1")
        near.run("ip", "route", "add", "default", "via", "192.0.2.1")
        far.run("ip", "route", "add", "default", "via", "198.51.100.1")
        for setting in ("net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet"):
            machine.set(setting, "1")

    def rules(self, *, forwarded_before: bool) -> None:
        """Put the rules of the local environment into force on the machine."""
        text = network.rules(self.machine.run("iptables-save"), forwarded_before=forwarded_before)
        self.machine.run("iptables-restore", "--noflush", text=text)

    def reaches_loopback(self) -> bool:
        """Whether the neighbour gets an answer from 127.0.0.1 of the machine."""
        self.near.set("net/ipv4/conf/all/route_localnet", "1")
        self.near.run("ip", "address", "flush", "dev", "lo")
        self.near.run("ip", "route", "replace", "127.0.0.1/32", "via", "192.0.2.1", "src", "192.0.2.2")
        return self.near.reaches("127.0.0.1", PORT)


@pytest.fixture
def wires() -> Iterator[Wires]:
    with namespaces(4) as made:
        yield Wires(*made)


def test_a_neighbour_does_not_reach_loopback_though_the_kernel_would_route_it(wires: Wires) -> None:
    with wires.machine.listen("127.0.0.1", PORT):
        assert wires.reaches_loopback(), "without the rules it does: else this test shows nothing"
        wires.rules(forwarded_before=False)
        assert not wires.reaches_loopback()
        assert wires.machine.reaches("127.0.0.1", PORT)


@pytest.mark.parametrize("address", [POD, facts.NODE_IP])
def test_a_neighbour_does_not_reach_pods_and_the_node(wires: Wires, address: str) -> None:
    listener = wires.pod if address == POD else wires.machine
    with listener.listen(address, PORT):
        assert wires.near.reaches(address, PORT), "without the rules it does: else this test shows nothing"
        wires.rules(forwarded_before=True)
        assert not wires.near.reaches(address, PORT)
        assert wires.machine.reaches(address, PORT)


def test_a_neighbour_that_calls_itself_a_pod_is_not_believed(wires: Wires) -> None:
    wires.near.run("ip", "address", "add", "10.244.0.9/32", "dev", "lo")

    def arrives(source: Namespace, address: str) -> bool:
        with source.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.bind((address, 0))
            link.sendto(b"x", (facts.NODE_IP, PORT))
        try:
            return bool(mailbox.recv(1))
        except TimeoutError:
            return False

    with wires.machine.inside():
        mailbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        mailbox.bind((facts.NODE_IP, PORT))
        mailbox.settimeout(0.5)
    with mailbox:
        assert arrives(wires.near, "10.244.0.9"), "without the rules it is: else this test shows nothing"
        wires.rules(forwarded_before=False)
        assert not arrives(wires.near, "10.244.0.9")
        assert arrives(wires.pod, POD)


def test_pods_reach_the_machine_and_no_neighbour(wires: Wires) -> None:
    wires.rules(forwarded_before=True)
    with wires.machine.listen(facts.NODE_IP, PORT), wires.far.listen("198.51.100.2", PORT):
        assert wires.pod.reaches(facts.NODE_IP, PORT)
        assert not wires.pod.reaches("198.51.100.2", PORT)


def test_a_machine_that_was_no_router_forwards_nothing_for_its_neighbours(wires: Wires) -> None:
    with wires.far.listen("198.51.100.2", PORT):
        assert wires.near.reaches("198.51.100.2", PORT), "the kernel forwards: else this test shows nothing"
        wires.rules(forwarded_before=False)
        assert not wires.near.reaches("198.51.100.2", PORT)


def test_a_machine_that_was_a_router_still_is_one(wires: Wires) -> None:
    wires.rules(forwarded_before=True)
    with wires.far.listen("198.51.100.2", PORT):
        assert wires.near.reaches("198.51.100.2", PORT)


def test_what_another_program_comes_to_forward_meanwhile_is_forwarded(wires: Wires) -> None:
    wires.rules(forwarded_before=False)
    wires.machine.run("iptables", "-I", "FORWARD", "-s", "192.0.2.0/24", "-j", "ACCEPT")
    wires.machine.run("iptables", "-I", "FORWARD", "-d", "192.0.2.0/24", "-j", "ACCEPT")
    with wires.far.listen("198.51.100.2", PORT):
        assert wires.near.reaches("198.51.100.2", PORT)


def test_the_rules_can_be_set_again_and_taken_away_without_a_trace(wires: Wires) -> None:
    before = _rules_of(wires.machine)
    wires.rules(forwarded_before=False)
    once = _rules_of(wires.machine)
    wires.rules(forwarded_before=False)
    assert _rules_of(wires.machine) == once
    wires.machine.run("iptables-restore", "--noflush", text=network.removal(wires.machine.run("iptables-save")))
    assert _rules_of(wires.machine) == before


def test_the_network_comes_without_making_a_router_and_goes_with_every_setting_as_it_was(
    wires: Wires, tmp_path: Path
) -> None:
    machine = wires.machine
    machine.run("ip", "link", "delete", facts.BRIDGE)
    machine.set("net/ipv4/ip_forward", "0")

    def call(what: str) -> None:
        code = (
            f"from slipway.local.cluster import facts, network; facts.home().mkdir(parents=True, exist_ok=True); {what}"
        )
        machine.run("env", f"XDG_STATE_HOME={tmp_path}", sys.executable, "-c", code)

    def seen() -> tuple[str, ...]:
        settings = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_*"
        return machine.run("ip", "route"), "".join(_rules_of(machine)), machine.run("sh", "-c", settings)

    before = seen()
    with wires.far.listen("198.51.100.2", PORT), wires.pod.listen(POD, PORT):
        for _ in range(2):
            call("network.create()")
            assert machine.run("cat", "/proc/sys/net/ipv4/ip_forward") == "1\n"
            assert machine.reaches(POD, PORT)
            assert not wires.near.reaches("198.51.100.2", PORT)
        assert seen() != before
        call("print(network.remove())")
    assert seen() == before


def _rules_of(machine: Namespace) -> list[str]:
    return [line for line in machine.run("iptables-save").splitlines() if line.startswith("-A")]


def test_a_closed_port_serves_its_user_and_refuses_another_until_it_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with namespaces(1) as (machine,), machine.listen("127.0.0.1", PORT), machine.listen("127.0.0.1", PORT + 1):

        def call(argv: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
            there = ["ip", "netns", "exec", machine.name, *argv]
            return subprocess.run(there, input=text, text=True, capture_output=True, timeout=20, check=False)

        monkeypatch.setattr(packet_filter, "_call", call)

        def served(uid: int, port: int = PORT) -> bool:
            with machine.inside():
                try:
                    connected(port, uid).close()
                except ConnectionRefusedError:
                    return False
            return True

        assert served(NOBODY), "nothing is closed yet"
        assert not packet_filter.is_closed("TEST", (PORT,))
        for _ in range(2):
            packet_filter.close("TEST", (PORT,))
            assert packet_filter.is_closed("TEST", (PORT,))
            assert (served(NOBODY), served(0), served(NOBODY, PORT + 1)) == (False, True, True)
        packet_filter.close("TEST", (PORT, PORT + 1))
        assert (served(NOBODY), served(NOBODY, PORT + 1)) == (False, False)
        machine.run("iptables", "-F", "LOCAL-TEST")
        assert not packet_filter.is_closed("TEST", (PORT, PORT + 1)), "somebody flushed the rules"
        assert packet_filter.reopen("TEST") == []
        assert served(NOBODY)
        assert _rules_of(machine) == []

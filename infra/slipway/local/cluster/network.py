"""Make the cluster's network on this machine and take it away: bridge, routes, kernel settings, packet rules."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from slipway.local.cluster import facts
from slipway.local.host import commands, packet_filter
from slipway.local.host.errors import LocalError

_LIMIT_S = 20
_FORWARD = "SLIPWAY-FORWARD"
_NO_ROUTER = "SLIPWAY-NO-ROUTER"
_PREROUTING = "SLIPWAY-PREROUTING"
_OWNED = re.compile(r"(KUBE|SLIPWAY)-")
_KUBE_PROXY_CHAIN = ":KUBE-SERVICES "

_FORGET = (
    "net/netfilter/nf_conntrack_tcp_timeout_syn_sent",
    "net/netfilter/nf_conntrack_tcp_timeout_time_wait",
    "net/netfilter/nf_conntrack_tcp_timeout_close",
)

_IP_FORWARD = "net/ipv4/ip_forward"
_HEALTH = "HEALTH"

# What kube-proxy, the kubelet, the ptp plugin and create() change; put back by remove().
_SETTINGS = (
    _IP_FORWARD,
    "net/ipv4/conf/all/route_localnet",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    *_FORGET,
)


def create() -> None:
    """Make what is missing; nothing changes when all is there. LocalError: a command was refused."""
    _remember_settings()
    if not _bridge_exists():
        _run(["ip", "link", "add", facts.BRIDGE, "type", "bridge"])
    _run(["ip", "address", "replace", f"{facts.NODE_IP}/32", "dev", facts.BRIDGE])
    _run(["ip", "link", "set", facts.BRIDGE, "up"])
    # A service address that no rule translates ends in the bridge, a pod address that nobody has in a black
    # hole: neither leaves the machine by its default route.
    _run(["ip", "route", "replace", facts.SERVICE_CIDR, "dev", facts.BRIDGE, "src", facts.NODE_IP])
    for destination in _BLACKHOLES:
        _run(["ip", "route", "replace", *destination])
    _forget_closed_connections()
    forwarded_before = json.loads(_settings_file().read_text())[_IP_FORWARD] != "0"
    present = _run(["iptables-save"])
    # Before anything is forwarded.
    _run(["iptables-restore", "--wait", "5", "--noflush"], rules(present, forwarded_before=forwarded_before))
    packet_filter.close(_HEALTH, facts.HEALTH_PORTS)
    Path("/proc/sys", _IP_FORWARD).write_text("1")


_BLACKHOLES = (
    ("blackhole", facts.POD_CIDR, "metric", "4096"),
    ("blackhole", facts.FAKE_POD_CIDR),
)


def rules(present: str, *, forwarded_before: bool) -> str:
    """Input of `iptables-restore --noflush` that sets our chains, given the output of `iptables-save`.

    Pods reach each other and the host. A pod that tries to leave the machine is told so at once. What arrives from
    outside for a pod, a service, the node's address or loopback (which kube-proxy opens to routing) is dropped before
    it is translated, and so is what says that it comes from one of them. A machine that did not forward packets
    before us (`forwarded_before`) forwards no others': the last rule of FORWARD drops what no rule before it accepts.
    """
    pods, cluster, loopback = facts.NODE_AND_POD_RANGE, facts.CLUSTER_RANGE, "127.0.0.0/8"
    lines = [
        "*filter",
        f":{_FORWARD} - [0:0]",
        f":{_NO_ROUTER} - [0:0]",
        f"-A {_FORWARD} -s {pods} -d {pods} -j ACCEPT",
        f"-A {_FORWARD} -s {pods} -j REJECT --reject-with icmp-admin-prohibited",
        *([] if forwarded_before else [f"-A {_NO_ROUTER} -j DROP"]),
        *_jump(present, f"FORWARD -j {_FORWARD}", "-I FORWARD 1"),
        *_jump(present, f"FORWARD -j {_NO_ROUTER}", "-A FORWARD"),
        "COMMIT",
        "*mangle",
        f":{_PREROUTING} - [0:0]",
        f"-A {_PREROUTING} ! -i lo -d {loopback} -j DROP",
        f"-A {_PREROUTING} ! -i lo -s {loopback} -j DROP",
        f"-A {_PREROUTING} ! -i lo -s {pods} -m rpfilter --invert -j DROP",
        f"-A {_PREROUTING} ! -i lo ! -s {pods} -d {cluster} -j DROP",
        *_jump(present, f"PREROUTING -j {_PREROUTING}", "-I PREROUTING 1"),
        "COMMIT",
    ]
    return "\n".join(lines) + "\n"


def _jump(present: str, rule: str, added_by: str) -> list[str]:
    """The line that adds a rule to a built-in chain, unless it is there."""
    return [] if f"-A {rule}" in present else [f"{added_by} {rule.partition(' ')[2]}"]


def foreign_kube_proxy() -> bool:
    """Whether another Kubernetes node on this machine owns the chains that our kube-proxy would write to."""
    return not _settings_file().exists() and _KUBE_PROXY_CHAIN in _run(["iptables-save", "-t", "nat"])


def remove() -> list[str]:
    """Take away all that create() and the components made. Returns what could not be removed."""
    if not _settings_file().exists():
        return []
    failures = packet_filter.reopen(_HEALTH)
    for family in ("iptables", "ip6tables"):
        if shutil.which(f"{family}-save") is None:
            continue
        try:
            text = removal(_run([f"{family}-save"]))
            if text:
                _run([f"{family}-restore", "--wait", "5", "--noflush"], text)
        except LocalError as error:
            failures.append(str(error))
    if _bridge_exists():
        failures += _try(["ip", "link", "delete", facts.BRIDGE])
    routes = _run(["ip", "route", "show", "type", "blackhole"])
    for destination in _BLACKHOLES:
        if destination[1] in routes:
            failures += _try(["ip", "route", "delete", *destination])
    if not failures:
        _restore_settings()
    return failures


def removal(present: str) -> str:
    """Input of `iptables-restore --noflush` that removes our chains and every rule that jumps to one.

    `present` is the output of `iptables-save`; all other chains and rules stay. Empty when there is nothing.
    """
    result: list[str] = []
    for table in re.split(r"^(?=\*)", present, flags=re.MULTILINE):
        lines = table.splitlines()
        chains = [line[1:].split()[0] for line in lines if line.startswith(":")]
        owned = [chain for chain in chains if _OWNED.match(chain)]
        if not owned:
            continue
        jumps = [line for line in lines if _is_jump_from_elsewhere(line)]
        result += [lines[0], *(f":{chain} - [0:0]" for chain in owned)]
        result += [f"-D{line[2:]}" for line in jumps]
        result += [*(f"-X {chain}" for chain in owned), "COMMIT"]
    return "".join(f"{line}\n" for line in result)


def _is_jump_from_elsewhere(line: str) -> bool:
    """Whether a line of iptables-save is a rule of a chain that is not ours and leads to one that is."""
    target = re.search(r" -[jg] (\S+)", re.sub(r'"(\\.|[^"\\])*"', "", line))  # a comment may say anything
    chain = re.match(r"-A (\S+)", line)
    return bool(chain and target and _OWNED.match(target[1]) and not _OWNED.match(chain[1]))


def _bridge_exists() -> bool:
    return any(name == facts.BRIDGE for _, name in socket.if_nameindex())


def _settings_file() -> Path:
    """Also the sign that the network of this machine has been changed by us."""
    return facts.home() / "kernel-settings.json"


def _remember_settings() -> None:
    file = _settings_file()
    if file.exists():
        return
    values = {name: p.read_text().strip() for name, p in _existing(_SETTINGS)}
    new = file.with_suffix(".new")
    new.write_text(json.dumps(values))
    new.rename(file)


def _forget_closed_connections() -> None:
    """Let the translation of a closed or refused connection expire after a second, not after two minutes.

    On loopback the kernel takes a port again after a second. A new connection from it would be sent where the old one
    went: to a pod that is gone or, if it was refused before its Service was known, nowhere, though pods serve by now.
    """
    for _, setting in _existing(_FORGET):
        setting.write_text("1")


def _existing(names: Iterable[str]) -> list[tuple[str, Path]]:
    """A kernel without key rings, for one, has no kernel/keys."""
    files = [(name, Path("/proc/sys") / name) for name in names]
    return [(name, file) for name, file in files if file.exists()]


def _restore_settings() -> None:
    file = _settings_file()
    values = json.loads(file.read_text())
    for name, setting in _existing(values):
        if setting.read_text().strip() != values[name]:
            setting.write_text(values[name])
    file.unlink()


def _run(argv: list[str], text: str | None = None) -> str:
    with commands.explained("setting up the cluster's network"):
        done = subprocess.run(argv, input=text, text=True, capture_output=True, timeout=_LIMIT_S, check=False)
    if done.returncode:
        raise LocalError(f"{' '.join(argv)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def _try(argv: list[str]) -> list[str]:
    try:
        _run(argv)
    except LocalError as error:
        return [str(error)]
    return []

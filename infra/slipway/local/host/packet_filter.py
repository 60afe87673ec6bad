"""Close ports of loopback to the other users of this machine: for servers of ours that ask nobody who he is."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from slipway.local.host import commands
from slipway.local.host.errors import LocalError

_LIMIT_S = 20
_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


def close(name: str, ports: Sequence[int]) -> None:
    """Let only this user's and root's processes connect to the ports of 127.0.0.1; `name` is for `reopen`.

    Nothing changes when that is so. Raises LocalError when the machine's packet filter does not take the rules.
    """
    if is_closed(name, ports):
        return
    chain = _chain(name)
    jump = [] if _jumps(chain) else [f"-I OUTPUT 1 -o lo -j {chain}"]
    text = "\n".join(["*filter", f":{chain} - [0:0]", *rules(name, ports), *jump, "COMMIT"]) + "\n"
    done = _call(["iptables-restore", "--wait", "5", "--noflush"], text)
    if done.returncode:
        raise LocalError(
            f"the ports {', '.join(map(str, ports))} cannot be closed to other users of this machine: iptables does "
            f"not take the rules for it (the kernel needs the match `owner`): {done.stderr.strip()}"
        )


def is_closed(name: str, ports: Sequence[int]) -> bool:
    """Whether the rules of `close` are there."""
    chain = _chain(name)
    done = _call(["iptables", "--wait", "5", "-S", chain])
    return done.returncode == 0 and done.stdout.splitlines()[1:] == rules(name, ports) and _jumps(chain)


def reopen(name: str) -> list[str]:
    """Take the rules of `close` away; returns what could not be removed."""
    chain = _chain(name)
    if _find("iptables") is None or _call(["iptables", "--wait", "5", "-S", chain]).returncode:
        return []
    jump = [f"-D OUTPUT -o lo -j {chain}"] if _jumps(chain) else []
    text = "\n".join(["*filter", f":{chain} - [0:0]", *jump, f"-X {chain}", "COMMIT"]) + "\n"
    done = _call(["iptables-restore", "--wait", "5", "--noflush"], text)
    return [f"packet rules {chain}: {done.stderr.strip()}"] if done.returncode else []


def rules(name: str, ports: Sequence[int]) -> list[str]:
    """The rules of the chain as iptables lists them.

    They look at the first packet of a connection, which always comes from a process; the last ones of a connection
    that its process has closed belong to nobody.
    """
    owners = [f"-m owner --uid-owner {uid} -j RETURN" for uid in sorted({0, os.geteuid()})]
    refuse = "-j REJECT --reject-with tcp-reset"
    tests = [*owners, refuse]
    return [
        f"-A {_chain(name)} -d 127.0.0.1/32 -p tcp -m tcp --dport {port} --tcp-flags FIN,SYN,RST,ACK SYN {test}"
        for port in ports
        for test in tests
    ]


def _chain(name: str) -> str:
    return f"LOCAL-{name}"


def _jumps(chain: str) -> bool:
    return _call(["iptables", "--wait", "5", "-C", "OUTPUT", "-o", "lo", "-j", chain]).returncode == 0


def _find(program: str) -> str | None:
    return shutil.which(program, path=_PATH)


def _call(argv: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    program = _find(argv[0])
    if program is None:
        raise LocalError(f"{argv[0]} is not installed; `apt-get install iptables` brings it")
    with commands.explained("closing ports to other users of this machine"):
        return subprocess.run(
            [program, *argv[1:]], input=text, text=True, capture_output=True, timeout=_LIMIT_S, check=False
        )

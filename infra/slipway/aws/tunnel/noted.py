"""Note that a tunnel is open on this machine, and lead the requests of this process through it.

It is a proxy, so that the address of the API server stays what it is: in the stacks' state, in certificates, and for
other people's runs (docs/adr/0081-tunnel.md).
"""

import json
import os
import socket
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from slipway.errors.tunnel import TunnelBehindProxy
from slipway.values.user_cache import user_cache

_CONNECT_S = 1.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_PAST = ("NO_PROXY", "no_proxy")
_LOOPBACK = "127.0.0.1,localhost"


def file_of(account: str, cluster: str) -> Path:
    """Where it is noted that a tunnel to a cluster is open; below it, for people, a kubeconfig with the same stem."""
    return user_cache() / "tunnels" / f"{account}-{cluster}.json"


@contextmanager
def noted(file: Path, port: int) -> Iterator[None]:
    """Note, while the block runs, that a tunnel is open at a port of this machine."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({"port": port}))
    draft.replace(file)
    try:
        yield
    finally:
        if _port(file) == port:
            file.unlink(missing_ok=True)


def url(port: int) -> str:
    """What programs are told."""
    return f"http://127.0.0.1:{port}"


def go_through(file: Path, env: MutableMapping[str, str]) -> str | None:
    """Let what reads `env` go through the tunnel, if it is open; its URL. Raises `TunnelBehindProxy`."""
    port = _port(file)
    if port is None or not _answers(port):
        return None
    if env.get("HTTPS_PROXY") != url(port):
        refuse_proxies(env)
    env["HTTPS_PROXY"] = url(port)
    past = next((env[name] for name in _PAST if env.get(name)), "")
    for name in _PAST:
        env[name] = f"{past},{_LOOPBACK}" if past and _LOOPBACK not in past else past or _LOOPBACK
    return url(port)


def refuse_proxies(env: MutableMapping[str, str]) -> None:
    """Raise `TunnelBehindProxy` where a proxy is set already."""
    for name in _PROXIES:
        if env.get(name):
            raise TunnelBehindProxy(name)


def _port(file: Path) -> int | None:
    try:
        return int(json.loads(file.read_text())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _answers(port: int) -> bool:
    """Whether somebody listens: one that was killed leaves its note."""
    try:
        socket.create_connection(("127.0.0.1", port), _CONNECT_S).close()
    except OSError:
        return False
    return True

"""Links of devices: slow, and cut when it is said. Toxiproxy is between a device and what it asks.

A device reaches its registry as `localhost:5000`, which is this machine's for `slipway` and an address of the device's
own for its engine (`Link.within`). Toxiproxy bounds each connection by itself: an engine that fetches one layer at a
time has the rate of the link.
"""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.go_programs import built

REGISTRY = "localhost:5000"
"""What images of devices are named by."""
_LIMIT_S = 30
_MAP = 'mount --bind "$0" /etc/hosts && exec "$@"'


@dataclass(frozen=True)
class Shape:
    """Of a link: milliseconds for each direction, and kilobytes a second to the device and from it."""

    latency_ms: int = 40
    down: int = 4000
    up: int = 500

    def __str__(self) -> str:
        return f"{self.latency_ms} ms each way, {self.down} kB/s down, {self.up} kB/s up"


class Link:
    """One device's way to its registry, at `registry` for it, and to its control side, at `url`."""

    def __init__(self, links: "Links", name: str, address: str, shape: Shape) -> None:
        """Make the proxies. `address`: of loopback, this device's alone."""
        self._links, self._name = links, name
        self._hosts = links.folder / f"{name}.hosts"
        self._hosts.write_text(f"{address} localhost\n")
        port = REGISTRY.rpartition(":")[2]
        self.registry = links.proxy(f"{name}-registry", f"{address}:{port}", links.registry, shape)
        self.url = f"http://{links.proxy(f'{name}-control', '127.0.0.1:0', links.control, shape)}"

    def within(self, *argv: str) -> list[str]:
        """The same command, for which `localhost` is this link's registry."""
        return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", _MAP, str(self._hosts), *argv]

    def cut(self) -> None:
        """Close every connection and take no new one."""
        for name in self._proxies:
            self._links.asked("POST", f"/proxies/{name}", {"enabled": False})

    def mend(self) -> None:
        """Take connections again, as slow as before."""
        for name in self._proxies:
            self._links.asked("POST", f"/proxies/{name}", {"enabled": True})

    def received(self) -> int:
        """Bytes of the registry that came over the link, by connections that have ended."""
        return self._links.taken(f"{self._name}-registry")

    @property
    def _proxies(self) -> Sequence[str]:
        return (f"{self._name}-registry", f"{self._name}-control")


class Links:
    """A toxiproxy. `registry` and `control`: where they are on this machine, `HOST:PORT`."""

    def __init__(self, folder: Path, port: int, registry: str, control: str) -> None:
        """Talk to the one that listens on this port."""
        self.folder, self.registry, self.control = folder, registry, control
        self._api = f"http://127.0.0.1:{port}"

    def link(self, name: str, address: str, shape: Shape) -> Link:
        """A link for one device more."""
        return Link(self, name, address, shape)

    def proxy(self, name: str, listen: str, upstream: str, shape: Shape) -> str:
        """Make a proxy and slow it down; returns where it listens."""
        made = self.asked("POST", "/proxies", {"name": name, "listen": listen, "upstream": upstream, "enabled": True})
        for stream, rate in (("downstream", shape.down), ("upstream", shape.up)):
            for kind, attributes in (("latency", {"latency": shape.latency_ms}), ("bandwidth", {"rate": rate})):
                toxic = {"name": f"{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes}
                self.asked("POST", f"/proxies/{name}/toxics", toxic)
        return str(made["listen"])

    def taken(self, proxy: str) -> int:
        """Bytes that a proxy took from its upstream; what it holds when a link is cut, some 100 kB, counts as well."""
        with urllib.request.urlopen(f"{self._api}/metrics", timeout=_LIMIT_S) as answer:
            lines = answer.read().decode().splitlines()
        told = [
            line
            for line in lines
            if line.startswith("toxiproxy_proxy_received_bytes_total")
            and f'proxy="{proxy}"' in line
            and 'direction="downstream"' in line
        ]
        return sum(int(float(line.rpartition(" ")[2])) for line in told)

    def asked(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What toxiproxy answers."""
        request = urllib.request.Request(self._api + path, json.dumps(body).encode(), method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:
                said: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"toxiproxy: {method} {path}: {error.read().decode()}") from error
        return said


@contextmanager
def shaped_links(folder: Path, registry: str, control: str) -> Iterator[Links]:
    """Run a toxiproxy while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    program = built("toxiproxy", "github.com/Shopify/toxiproxy/v2/cmd/server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    argv = [str(program), "-host", "127.0.0.1", "-port", str(port), "-proxy-metrics"]
    with (folder / "toxiproxy.log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            until = time.monotonic() + _LIMIT_S
            while not _listens(port):
                assert process.poll() is None, (folder / "toxiproxy.log").read_text()
                assert time.monotonic() < until, f"toxiproxy: no answer within {_LIMIT_S} s"
                time.sleep(0.05)
            yield Links(folder, port, registry, control)
        finally:
            process.kill()
            process.wait(_LIMIT_S)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True

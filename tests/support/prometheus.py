"""A real Prometheus of the session's own: Debian's package, installed or unpacked into the cache, on loopback."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slipway.local.host import paths
from slipway.local.host.cache import locked
from tests.support import debian

RELEASE = "bookworm"
_LIMIT_S = 60


class Prometheus:
    """A server over samples that were there when it started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = programs()
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self._url = f"http://127.0.0.1:{sock.getsockname()[1]}"

    def load(self, samples: str) -> None:
        """Take samples in OpenMetrics's format, with their times, before the start."""
        file = self._folder / "samples"
        file.write_text(samples)
        done = subprocess.run(
            [self._programs / "promtool", "tsdb", "create-blocks-from", "openmetrics", file, self._folder / "data"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        (self._folder / "prometheus.yml").write_text("global: {}\n")
        command: list[str | Path] = [
            self._programs / "prometheus",
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + _LIMIT_S
        while not self._ready():
            assert self._process.poll() is None, (self._folder / "log").read_text(errors="replace")[-3000:]
            assert time.monotonic() < end, f"Prometheus is not ready after {_LIMIT_S} s"
            time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_LIMIT_S)

    def ask(self, query: str, at: float) -> list[dict[str, Any]]:
        """Return the series of an instant query, each with `metric` and `value`."""
        parameters = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
        with urllib.request.urlopen(f"{self._url}/api/v1/query?{parameters}", timeout=_LIMIT_S) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        result: list[dict[str, Any]] = document["data"]["result"]
        return result

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=_LIMIT_S):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False


@contextmanager
def prometheus(samples: str) -> Iterator[Prometheus]:
    """Run a server over samples in OpenMetrics's format until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="slipway-prometheus-") as name:
        server = Prometheus(Path(name))
        server.load(samples)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def programs() -> Path:
    installed = shutil.which("promtool")
    if installed and shutil.which("prometheus"):
        return Path(installed).parent
    tree = paths.CACHE_TOOLS / f"prometheus-{RELEASE}"
    with locked(tree.name):
        if not tree.is_dir():
            debian.unpack(tree, RELEASE, "prometheus", ["./usr/bin/*"], leaving=(), alone=True)
    return tree / "usr/bin"

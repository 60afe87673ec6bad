"""A launcher whose server is a loop of Python without limits, for tests: it says that it is one.

It refuses what a model server refuses: another body than the golden request, and a body without JSON.
"""

import json
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any, Literal

from slipway.measuring.server import Live, StartFailed

_SERVER = textwrap.dedent(
    """
    import json, sys
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        def do_GET(self): self.answer(200 if self.path == "/v2/health/ready" else 404)
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200 if self.path == "/predict" and "inputs" in json.loads(body) else 400)
        def answer(self, status):
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
        def log_message(self, *_): pass

    ThreadingHTTPServer.request_queue_size = 1024
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
    """
)


class StandIn:
    """See `slipway.measuring.server.Launcher`. `least`: bytes without which it does not start."""

    how: Literal["process"] = "process"
    image_digest: str | None = None
    said = "a stand-in without limits"

    def __init__(self, least: int = 0, *, shared: bool = False) -> None:
        self.least, self.shared = least, shared
        self.started: list[Mapping[str, Any]] = []
        self.pids: list[int] = []

    @contextmanager
    def start(self, config: Mapping[str, Any], cpu: int, memory: int) -> Iterator[Live]:
        """Run it for the block."""
        assert cpu > 0
        self.started.append(config)
        if memory < self.least:
            raise StartFailed(f"the kernel killed it: {memory // 2**20}Mi of memory are not enough")
        began = time.perf_counter()
        command = [sys.executable, "-c", _SERVER, str(config["port"])]
        log = json.dumps({"event": "ready", "batching": self.shared})
        with Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL) as process:
            self.pids.append(process.pid)
            try:
                yield Live(config["port"], process.pid, began, lambda: self._ended(process), lambda: log)
            finally:
                process.kill()

    def running(self) -> list[int]:
        """What is left of all that was started."""
        return [pid for pid in self.pids if Path(f"/proc/{pid}").exists()]

    def _ended(self, process: "Popen[bytes]") -> str | None:
        return None if process.poll() is None else f"it ended with {process.returncode}"

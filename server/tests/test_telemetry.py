"""No library tells anybody what is run: no name is looked up. That it would show is seen beside it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import processes
import pytest
from dns_watch import LOOKED_UP

WATCH = Path(__file__).parent / "dns_watch.py"
# With telemetry on, the first look-up came 7 to 12 s after the start.
CONTROL_LIMIT_S = 20
LIMIT_S = 2 * CONTROL_LIMIT_S + 5
TELEMETRY = "events.data.microsoft.com"
# A pod's few variables and no more: ONNX Runtime's telemetry is silent where CI, TF_BUILD or a proxy is set, so that
# on a CI machine nothing could be shown.
AS_A_POD = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Start]:
    """Start a command in namespaces of its own; its look-ups come as lines on stdout."""
    running: list[subprocess.Popen[str]] = []
    # Root can make namespaces; others can as root of a user namespace.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]

    def start(*command: str, log: Path, **environ: str) -> subprocess.Popen[str]:
        with log.open("wb") as sink:
            process = subprocess.Popen(
                ["unshare", *user, "--mount", "--net", sys.executable, str(WATCH), str(LIMIT_S), *command],
                env=AS_A_POD | environ,
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
                cwd=processes.ROOT,
            )
        running.append(process)
        return process

    yield start
    for process in running:
        process.terminate()
        process.wait(30)


def test_the_server_looks_up_no_name_while_it_would_with_telemetry_on(watched: Start, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(processes.digits_config()))
    server = (sys.executable, "-m", "slipway_server")
    began = time.monotonic()
    # What a pod has: a home that cannot be written.
    silent = watched(*server, log=tmp_path / "silent.txt", SLIPWAY_CONFIG=str(config), HOME="/proc")
    loud = watched(
        *server, log=tmp_path / "loud.txt", SLIPWAY_CONFIG=str(config), HOME="/proc", ORT_DISABLE_TELEMETRY="0"
    )
    assert loud.stdout is not None
    first = loud.stdout.readline()
    seen_s = time.monotonic() - began
    assert TELEMETRY in first, f"with telemetry on nothing was looked up, so that nothing can be shown: {first!r}"
    assert seen_s < CONTROL_LIMIT_S
    time.sleep(max(0.0, began + 2 * seen_s + 1 - time.monotonic()))
    assert silent.poll() is None, (tmp_path / "silent.txt").read_text()
    silent.terminate()
    assert silent.communicate(timeout=30)[0] == ""
    assert "onnxruntime" in (tmp_path / "loud.txt").read_text()
    lines = (tmp_path / "silent.txt").read_text().splitlines()
    # Nothing but what is said on purpose, so that nothing else can stand as a pod's termination message.
    assert [json.loads(line)["event"] for line in lines] == ["cpu", "ready", "memory"]


def looked_up(watched: Start, log: Path, *command: str) -> list[str]:
    process = watched(*command, log=log)
    lines = process.communicate(timeout=LIMIT_S)[0].splitlines()
    assert process.returncode == 0, log.read_text()
    return [line for line in lines if line.startswith(LOOKED_UP)]


def test_the_orchestrator_looks_up_no_name_while_it_validates_and_plans(watched: Start, tmp_path: Path) -> None:
    ask = "import contextlib, socket\nwith contextlib.suppress(OSError): socket.getaddrinfo('slipway.invalid', 80)"
    assert looked_up(watched, tmp_path / "control.txt", sys.executable, "-c", ask)[0] == f"{LOOKED_UP}slipway.invalid"
    slipway = str(Path(sys.executable).with_name("slipway"))
    assert looked_up(watched, tmp_path / "validate.txt", slipway, "validate") == []
    assert looked_up(watched, tmp_path / "plan.txt", slipway, "plan", "local") == []

"""Run a model's server as a process of this machine, from the wheels that are in its image, in a control group.

What differs from a pod: the Python is this machine's, of the same version, and weights come from another disk.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from slipway import installation
from slipway.catalog.pod_contract import IMAGE_PYTHON
from slipway.errors.base import SlipwayError
from slipway.measuring.limits import ControlGroup
from slipway.measuring.server import Live
from slipway.plan.model import ModelPlan
from slipway.runtimes.registry import recipe
from slipway.values.user_cache import user_cache

_DEPS = "/opt/slipway/deps"
"""Where an image has its wheels."""
_STOP_S = 10.0
_LOG_MOST = 2**20


class NoPython(SlipwayError):
    """This machine has no Python of the version that the image has."""

    def __init__(self) -> None:
        super().__init__(
            f"no python{IMAGE_PYTHON} on PATH, for which the server's wheels are; nothing was measured; next: install "
            "it, or run the command where a Docker Engine answers"
        )


class ProcessLauncher:
    """See `slipway.measuring.server.Launcher`. `wheels`: the folder of the installed wheels of the model's image."""

    how: Literal["process"] = "process"
    image_digest: str | None = None

    def __init__(self, model: ModelPlan, wheels: Path) -> None:
        self.said = f"its server as a process, from the image's locked wheels, with {_python()}, in a control group"
        self._model, self._wheels = model, wheels

    @contextmanager
    def start(self, config: Mapping[str, Any], cpu: int, memory: int) -> Iterator[Live]:
        """Start it with the files of the image below a folder of its own; all of it is gone after the block."""
        folder = user_cache() / "measuring"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="run-") as name, ControlGroup(cpu, memory) as group:
            root = Path(name)
            known = _lay_out(self._model, root)
            (root / "server.json").write_text(json.dumps(_moved(config, known)))
            log = root / "log"
            package = installation.package(recipe(self._model.spec.runtime).package)
            # Paths in variables are those of the image.
            pairs = [pair.replace(_DEPS, str(self._wheels)) for pair, _ in recipe(self._model.spec.runtime).variables]
            variables = dict(pair.split("=", 1) for pair in pairs)
            environment = variables | {
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": f"{self._wheels}{os.pathsep}{package.parent}",
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                "SLIPWAY_CONFIG": str(root / "server.json"),
                "SLIPWAY_CPU_LIMIT_MILLIS": str(cpu),
            }
            # -S: nothing of this machine's Python but its standard library, as in the image.
            command = [_python(), "-S", *recipe(self._model.spec.runtime).command[1:]]
            began = time.perf_counter()
            with log.open("wb") as stream:
                process = subprocess.Popen(
                    group.entering(command),
                    env=environment,
                    cwd=root,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    start_new_session=True,  # Ctrl-C is for the command; it ends the server then
                )
            try:
                yield Live(config["port"], process.pid, began, lambda: _ended(process, memory), lambda: _tail(log))
            finally:
                _stop(process)


def _python() -> str:
    if f"{sys.version_info.major}.{sys.version_info.minor}" == IMAGE_PYTHON:
        return sys.executable
    found = shutil.which(f"python{IMAGE_PYTHON}")
    if found is None:
        raise NoPython
    return found


def _lay_out(model: ModelPlan, root: Path) -> dict[str, str]:
    """Link the files of the image below `root`, but for the server's code; returns where each is, by its path there."""
    package = recipe(model.spec.runtime).package
    files = {
        file.image_path: file.source
        for file in model.image.files
        if "" in file.digests and package not in file.image_path
    }
    if (stored := model.delivery.stored) is not None:
        files |= {f"{stored.folder}/{file.name}": file.path for file in stored.files}
    known = {}
    for inside, source in files.items():
        here = root / inside.lstrip("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), here)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, here)
        known[inside] = str(here)
    return known


def _moved(value: Any, known: Mapping[str, str]) -> Any:
    """The configuration with each path of the image replaced by that on this machine."""
    if isinstance(value, Mapping):
        return {name: _moved(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [_moved(one, known) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


def _ended(process: "subprocess.Popen[bytes]", memory: int) -> str | None:
    code = process.poll()
    if code is None:
        return None
    if code == -signal.SIGKILL:
        return f"the kernel killed it: {memory // 2**20}Mi of memory are not enough"
    return f"it ended with {code}"


def _tail(log: Path) -> str:
    with log.open("rb") as stream:
        return stream.read(_LOG_MOST).decode(errors="replace")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            return

"""Devices on this machine: each the real agent on a Docker Engine with a data root of its own; and images of digits.

All of a device is in a control group of 1 GiB: engine, agent, containers.
"""

import http.client
import io
import json
import subprocess
import sys
import tarfile
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import docker
from packaging.requirements import Requirement

from tests.support.device_cgroups import DeviceGroup, device_group
from tests.support.shaped_links import Link
from tests.support.small_disks import docker_engine

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "models/digits"
_DOCKERFILE = """
FROM {base}
COPY deps/ /opt/slipway/deps/
COPY server/ /opt/slipway/server/
COPY model/ /opt/slipway/model/
ENV PYTHONPATH=/opt/slipway/server:/opt/slipway/deps PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8080/tcp
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["python3", "-m", "slipway_server"]
"""


def digits_image(client: docker.DockerClient, base: Path, repository: str, model: Path = DIGITS / "model.onnx") -> str:
    """Build an image of the real model server with digits and push it; gives `repository@sha256:...`.

    `base`: archive of the base image. `model`: another one in its place. What the server needs is what this interpreter
    has of its requirements.
    """
    with base.open("rb") as archive:
        (loaded,) = client.images.load(archive)
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        _add(tar, "Dockerfile", _DOCKERFILE.format(base=loaded.id).encode())
        tar.add(ROOT / "server/src/slipway_server", "server/slipway_server")
        tar.add(model, "model/model.onnx")
        for name in _required():
            for file in distribution(name).files or []:
                if not str(file).startswith("..") and not _LEFT_OUT & set(file.parts):
                    tar.add(str(file.locate()), f"deps/{file}")
    context.seek(0)
    client.images.build(fileobj=context, custom_context=True, tag=f"{repository}:1")
    for line in client.images.push(repository, tag="1", stream=True, decode=True):
        assert "error" not in line, line
    digests: list[str] = client.images.get(f"{repository}:1").attrs["RepoDigests"]
    return next(one for one in digests if one.startswith(repository))


def digits_config(version: str) -> dict[str, Any]:
    """The model server's configuration."""
    return {
        "model": {"name": "digits", "version": version, "path": "/opt/slipway/model/model.onnx"},
        "release": version,
        "drain_s": 0.0,
        "check": {"timeout_s": 30.0, "request": golden(), "expect": {"label": 7}},
    }


def digits_entry(image: str, version: str, **changed: Any) -> dict[str, Any]:
    """What a document says of a version; each is another release."""
    said = {
        "model": "digits",
        "version": version,
        "release": sha256(version.encode()).hexdigest()[:16],
        "image": image,
        "weights": None,
        "port": 8080,
        "check": {"path": "/predict", "request": golden(), "expect": {"label": 7}, "tolerance": 1e-4},
        "memory": 512 * 2**20,
        "cpus": 1.0,
        "priority": 0,
        "config": digits_config(version),
        "health": {"p95_ms": None, "errors": 0.5, "settle_s": 1},
        "env": {"SLIPWAY_CPU_LIMIT_MILLIS": "1000"},
    }
    return said | changed


def golden() -> Any:
    """The golden request of digits."""
    return json.loads((DIGITS / "check.json").read_text())


@dataclass
class Device:
    """A device; its agent is a process that can be killed and started again."""

    name: str
    home: Path
    docker_host: str
    log: Path
    listen: str = "127.0.0.1"
    within: Callable[..., list[str]] = field(default=lambda *argv: list(argv))
    """The command that runs a command where the agent is to be."""
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def feeds(self) -> Path:
        """Below which the agent may have folders of sources and sinks."""
        return self.home.parent / "feeds"

    def enrol(self, url: str, token: str) -> str:
        """Run `slipway-edge enrol`; gives what it said."""
        argv = [*_AGENT, "enrol", "--control", url, "--device", self.name, "--home", str(self.home)]
        done = subprocess.run(argv, input=token, text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Run `slipway-edge run`."""
        with self.log.open("ab") as log:
            argv = [*_AGENT, "run", "--home", str(self.home), "--docker", self.docker_host]
            argv += ["--listen", self.listen, "--feeds", str(self.feeds)]
            self.process = subprocess.Popen(self.within(*argv), stdout=log, stderr=log)

    def kill(self) -> None:
        """End the agent as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def label(self, port: int = 8080) -> int | None:
        """What a caller on the device gets as the label of a seven; None: no answer."""
        call = urllib.request.Request(f"http://{self.listen}:{port}/predict", json.dumps(golden()).encode())
        call.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(call, timeout=30) as answer:
                (label,) = json.loads(answer.read())["outputs"]["label"]
        except (OSError, http.client.HTTPException):
            return None
        return int(label)

    def events(self, event: str) -> list[dict[str, Any]]:
        """What the agent logged under this name."""
        return [line for line in self._logged() if line["event"] == event]

    def at_work(self) -> bool:
        """Whether it pulls or tries a version, or was told of one."""
        return next((line["event"] in _WORK for line in reversed(self._logged()) if line["event"] in _STATES), False)

    def _logged(self) -> list[dict[str, Any]]:
        # The last line may be half written.
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]


@dataclass
class BoundedDevice(Device):
    """A device all of which is in one control group."""

    group: DeviceGroup = field(kw_only=True)


_WORK = {"taken", "pulling", "checking"}
_STATES = _WORK | {"good", "failed", "returned", "dropped"}
_LEFT_OUT = {"__pycache__", "tests", "testing", "f2py", "transformers", "quantization", "tools"}
"""Folders of libraries that no server imports: an image without them is built and pulled sooner."""
_AGENT = (sys.executable, "-m", "slipway_edge")


MEMORY = 2**30
"""Bytes of a device."""
ENGINE_ARGUMENTS = ("--max-concurrent-downloads=1",)
"""One layer at a time: a link bounds each connection by itself."""


@contextmanager
def device(folder: Path, name: str, listen: str = "127.0.0.1", link: Link | None = None) -> Iterator[BoundedDevice]:
    """Have a device while the block runs; its engine, containers and agent end with it."""
    (folder / "feeds").mkdir(parents=True)
    with device_group(f"slipway-{name}-{uuid.uuid4().hex[:6]}", MEMORY) as group:

        def within(*argv: str) -> list[str]:
            return group.within(*(argv if link is None else link.within(*argv)))

        more = (f"--cgroup-parent={group.parent}", *ENGINE_ARGUMENTS)
        with docker_engine(folder, folder / "data", *more, within=within) as host:
            log = folder / "agent.log"
            made = BoundedDevice(name, folder / "home", host, log, listen, group.within, group=group)
            made.log.touch()
            try:
                yield made
            finally:
                made.kill()
                client = docker.DockerClient(base_url=host, timeout=60)
                for container in client.containers.list(all=True):
                    container.remove(force=True)
                client.networks.prune()
                client.close()


@contextmanager
def unbounded_device(folder: Path, name: str, listen: str, docker_host: str) -> Iterator[Device]:
    """Have a device whose engine is somebody else's care, such as a stand-in's; its agent ends with the block."""
    (folder / "feeds").mkdir(parents=True)
    made = Device(name, folder / "home", docker_host, folder / "agent.log", listen)
    made.log.touch()
    try:
        yield made
    finally:
        made.kill()


def _required() -> list[str]:
    lines = (ROOT / "server/requirements.txt").read_text().splitlines()
    wanted = [Requirement(line.split(" \\")[0]) for line in lines if line and line[0].isalpha()]
    return [one.name for one in wanted if one.marker is None or one.marker.evaluate()]


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))

"""Run a model's own image in a container of this machine's Docker Engine, under the limits of a replica."""

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import docker
import docker.errors
import requests

from slipway.errors.base import SlipwayError
from slipway.measuring.server import Live

_LABEL = "slipway.measure"
_TIMEOUT_S = 60
_CONFIG = "etc/slipway/server.json"


def engine_here() -> bool:
    """Whether a Docker Engine answers whose containers are processes of this machine."""
    if os.environ.get("DOCKER_HOST", "unix://").partition("://")[0] != "unix":
        return False
    try:
        return bool(docker.from_env(timeout=5).ping())
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError):
        return False


class ContainerLauncher:
    """See `slipway.measuring.server.Launcher`. `image`: `repository@sha256:...`.

    The network is this machine's: the server listens on loopback, and no proxy of the Engine stands before it.
    """

    how: Literal["image"] = "image"

    def __init__(self, image: str) -> None:
        self.image_digest: str | None = image.partition("@")[2]
        self.said = f"its image {image}, in a container"
        self._image = image
        self._docker = docker.from_env(timeout=_TIMEOUT_S)

    @contextmanager
    def start(self, config: Mapping[str, Any], cpu: int, memory: int) -> Iterator[Live]:
        """Start a container as the kubelet would: all capabilities dropped, request and limit alike."""
        self._sweep()
        with _explained(self._image):
            if not self._docker.images.list(filters={"reference": self._image}):
                self._docker.images.pull(self._image)
            container = self._docker.containers.create(
                self._image,
                network_mode="host",
                nano_cpus=cpu * 1_000_000,
                mem_limit=memory,
                memswap_limit=memory,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                environment={"SLIPWAY_CONFIG": f"/{_CONFIG}", "SLIPWAY_CPU_LIMIT_MILLIS": str(cpu)},
                labels={_LABEL: str(os.getpid())},
            )
        try:
            with _explained(self._image):
                container.put_archive("/", _config_tar(config))
                began = time.perf_counter()
                container.start()
                container.reload()
            yield Live(
                config["port"],
                int(container.attrs["State"]["Pid"]),
                began,
                lambda: self._ended(container, memory),
                lambda: container.logs().decode(errors="replace"),
            )
        finally:
            with suppress(docker.errors.NotFound):
                container.remove(force=True)

    def _ended(self, container: Any, memory: int) -> str | None:
        container.reload()
        state = container.attrs["State"]
        if state["Running"]:
            return None
        if state["OOMKilled"]:
            return f"the kernel killed it: {memory // 2**20}Mi of memory are not enough"
        return f"it ended with {state['ExitCode']}"

    def _sweep(self) -> None:
        """Remove containers that a measurement left which was killed itself."""
        for container in self._docker.containers.list(all=True, filters={"label": _LABEL}):
            owner = container.labels[_LABEL]
            if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
                container.remove(force=True)


@contextmanager
def _explained(image: str) -> Iterator[None]:
    try:
        yield
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise SlipwayError(
            f"{image} cannot be run by this machine's Docker Engine: {error}; nothing was measured; next: see that "
            f"`docker run --network host` works here, or measure the server as a process: --as process"
        ) from error


def _config_tar(config: Mapping[str, Any]) -> bytes:
    data = json.dumps(config).encode()
    entry = tarfile.TarInfo(_CONFIG)
    entry.size, entry.mode = len(data), 0o444
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(data))
    return file.getvalue()

"""Versions as containers of a Docker Engine: closed in, bounded, and reached from this device alone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests
from docker.models.containers import Container

from slipway_edge.disk.files import Files
from slipway_edge.engine.port import Running, name_of
from slipway_edge.values.cpuset import shared_out
from slipway_edge.values.document import Entry, canonical
from slipway_edge.values.errors import Away, Bad

_NETWORK = "slipway-edge"
_LABEL = "slipway.dev/edge-model"
_ENTRY = "slipway.dev/edge-entry"
_PORT = "slipway.dev/edge-port"
_KEPT = "slipway-edge-kept"
"""Repository of the tags that the agent puts on what it pulled: what has none is not deleted by it."""
_USER = "65532:65532"
_CONFIG = "/etc/slipway/server.json"
_DEFAULT_PORT = 8080
_PIDS = 256
_SHARES = 1024
"""What a container has that nothing is said of; the most is 262144."""
_STOP_S = 10
_ASK_LIMIT_S = 60
_PULL_SILENCE_S = 120
"""A registry that sends nothing for so long has gone; what was pulled of finished layers is kept by the engine."""


class DockerEngine:
    """A Docker Engine by its socket.

    Args:
        host: such as `unix:///var/run/docker.sock`.
        configs: folder for the configurations that containers read, which the engine must see under the same path.
        files: what writes there.
        weights: folder of weights, each file under its digest, seen by the engine under the same path as well.
    """

    def __init__(self, host: str, configs: Path, files: Files, weights: Path) -> None:
        self._host = host
        self._configs = configs
        self._weights = weights
        self._files = files
        self._client: docker.DockerClient | None = None
        self._places: dict[str, str] = {}

    def pull(self, entry: Entry, between: Callable[[], None]) -> None:
        """Pull by digest, which the engine checks, and tag it as ours."""
        if self.has_image(entry):
            return
        repository, _, digest = entry.image.partition("@")
        with self._asked("pull"):
            puller = docker.APIClient(base_url=self._host, timeout=_PULL_SILENCE_S)
            try:
                _pulled(puller.pull(repository, tag=digest, stream=True, decode=True), between)
            finally:
                puller.close()
        with self._asked("tag"):
            self._docker.images.get(entry.image).tag(_KEPT, tag=_tag(entry))

    def has_image(self, entry: Entry) -> bool:
        """Whether the image is there, by digest, with our tag."""
        with self._asked("look for an image"):
            try:
                self._docker.images.get(entry.image)
                self._docker.images.get(f"{_KEPT}:{_tag(entry)}")
            except docker.errors.ImageNotFound:
                return False
        return True

    def start(self, entry: Entry) -> Running:
        """Start a container: read-only, no capability, no new privileges, no way out, memory and processors bounded."""
        with self._asked("start"):
            network = self._network()
            try:
                image = self._docker.images.get(entry.image)
                port = _port_of(image.attrs)
                self._remove(name_of(entry))
                mounts, environment = self._configured(entry)
                mounts += self._weighted(entry)
                made = self._docker.containers.create(
                    image,
                    name=name_of(entry),
                    labels={_LABEL: entry.model, _ENTRY: entry.digest, _PORT: str(port)},
                    environment=environment,
                    mounts=mounts,
                    network=network,
                    user=_USER,
                    read_only=True,
                    cap_drop=["ALL"],
                    security_opt=["no-new-privileges"],
                    mem_limit=entry.memory,
                    memswap_limit=entry.memory,
                    nano_cpus=int(entry.cpus * 1e9),
                    cpuset_cpus=self._places.get(entry.model) or None,
                    # Only where processors are short: twice the priority, about twice the time.
                    cpu_shares=_SHARES * (1 + entry.priority) if entry.priority else None,
                    pids_limit=_PIDS,
                    tmpfs={"/tmp": "rw,noexec,nosuid,nodev,size=16m"},  # noqa: S108 - inside the container
                    # A model that logs without end must not fill the disk.
                    log_config=docker.types.LogConfig(type="json-file", config={"max-size": "1m", "max-file": "2"}),
                )
                made.start()
            except docker.errors.ImageNotFound:
                raise Away(f"image {entry.image} is not there") from None
            except docker.errors.APIError as error:
                if error.is_client_error():
                    raise Bad(f"the engine refused to start it: {error.explanation}") from None
                raise
            made.reload()
            return _running(made)

    def share_out(self, entries: list[Entry]) -> None:
        """Write down who runs where, and move what runs elsewhere, which Docker does without starting it anew."""
        with self._asked("share processors out"):
            self._places = {}
            if any(entry.cpuset is not None for entry in entries):
                there = int(self._docker.info()["NCPU"])
                realtime = [entry.model for entry in entries if entry.realtime]
                self._places = shared_out({entry.model: entry.cpuset for entry in entries}, realtime, there)
            for container in self._docker.containers.list(filters={"label": _LABEL}, ignore_removed=True):
                has = container.attrs["HostConfig"]["CpusetCpus"]
                wanted = self._places.get(container.labels[_LABEL], "")
                if has and not wanted:
                    wanted = f"0-{int(self._docker.info()['NCPU']) - 1}"
                if has != wanted:
                    container.update(cpuset_cpus=wanted)

    def stop(self, running: Running) -> None:
        """SIGTERM, ten seconds, then SIGKILL; and away with it."""
        with self._asked("stop"):
            self._remove(running.name)

    def containers(self) -> list[Running]:
        """All with our label."""
        with self._asked("list containers"):
            found = self._docker.containers.list(all=True, filters={"label": _LABEL}, ignore_removed=True)
            return [_running(one) for one in found]

    def tidy(self, wanted: list[Entry]) -> None:
        """Delete what has our tag and is not wanted; an image that a container still uses goes another time."""
        keep = {_tag(entry) for entry in wanted}
        with self._asked("tidy"):
            for image in self._docker.images.list(name=_KEPT):
                tags = {tag.rpartition(":")[2] for tag in image.tags if tag.rpartition(":")[0] == _KEPT}
                if tags & keep:
                    continue
                names = [*image.attrs.get("RepoDigests", []), *(f"{_KEPT}:{tag}" for tag in tags)]
                for name in names:
                    try:
                        self._docker.images.remove(name)
                    except docker.errors.ImageNotFound:
                        continue
                    except docker.errors.APIError as error:
                        if error.status_code != requests.codes.conflict:
                            raise

    @property
    def _docker(self) -> docker.DockerClient:
        if self._client is None:
            self._client = docker.DockerClient(base_url=self._host, timeout=_ASK_LIMIT_S)
        return self._client

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        try:
            yield
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
            raise Away(f"Docker Engine at {self._host}: {what}: {' '.join(str(error).split())[:300]}") from None

    def _network(self) -> str:
        """A network without a way out; the engine's own network `bridge` would have one."""
        if not self._docker.networks.list(names=[f"^{_NETWORK}$"]):
            self._docker.networks.create(_NETWORK, driver="bridge", internal=True, check_duplicate=True)
        return _NETWORK

    def _configured(self, entry: Entry) -> tuple[list[docker.types.Mount], dict[str, str]]:
        """Mounts and environment of a container: its configuration is a file that it can read and not change."""
        if entry.config is None:
            return [], dict(entry.env)
        path = self._configs / f"{entry.model}-{entry.digest}.json"
        self._files.write(path, canonical(entry.config), 0o644)
        mount = docker.types.Mount(_CONFIG, str(path), type="bind", read_only=True)
        return [mount], {**entry.env, "SLIPWAY_CONFIG": _CONFIG}

    def _weighted(self, entry: Entry) -> list[docker.types.Mount]:
        """Mounts of the weights that are not in the image; raises `Away` where a file is not here."""
        if entry.weights is None:
            return []
        found = []
        for file in entry.weights.files:
            path = self._weights / file.sha256
            if not path.is_file():
                raise Away(f"weights {file.name} of {entry.model} {entry.version} are not here")
            target = f"{entry.weights.folder}/{file.name}"
            found.append(docker.types.Mount(target, str(path), type="bind", read_only=True))
        return found

    def _remove(self, name: str) -> None:
        try:
            found = self._docker.containers.get(name)
            found.stop(timeout=_STOP_S)
            found.remove(force=True)
        except docker.errors.NotFound:
            return


def _tag(entry: Entry) -> str:
    return entry.image.rpartition(":")[2][:32]


def _pulled(lines: Iterator[dict[str, Any]], between: Callable[[], None]) -> None:
    """Follow what the engine says of a pull.

    Raises:
        Away: it says that it failed: also of an image that is not there (yet), which another try may find.
    """
    asked = time.monotonic()
    for line in lines:
        if "error" in line:
            raise Away(f"pull: {line['error']}")
        if time.monotonic() - asked >= 1:
            between()
            asked = time.monotonic()


def _port_of(attrs: dict[str, Any]) -> int:
    exposed = sorted(
        int(port.removesuffix("/tcp")) for port in attrs["Config"].get("ExposedPorts") or {} if port.endswith("/tcp")
    )
    if _DEFAULT_PORT in exposed:
        return _DEFAULT_PORT
    if len(exposed) != 1:
        raise Bad(f"the image exposes the TCP ports {exposed}; allowed: {_DEFAULT_PORT} among them, or one")
    return exposed[0]


def _running(container: Container) -> Running:
    attrs = container.attrs
    state, labels = attrs["State"], attrs["Config"]["Labels"]
    address = None
    ended = ""
    if state["Running"]:
        host = (attrs["NetworkSettings"]["Networks"].get(_NETWORK) or {}).get("IPAddress")
        if host:
            address = (host, int(labels[_PORT]))
    else:
        memory = ", out of memory" if state.get("OOMKilled") else ""
        ended = f"{state['Status']}, exit code {state['ExitCode']}{memory}"
    return Running(str(container.name), labels[_LABEL], labels[_ENTRY], address, ended)

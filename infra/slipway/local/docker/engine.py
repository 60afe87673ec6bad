"""Have a Docker Engine: the one that runs on this machine, else Debian's, with all of it under STATE."""

import shutil
from pathlib import Path

import docker
import docker.errors

from slipway.local.host import paths, processes
from slipway.local.host.errors import LocalError

_NAME = "dockerd"
_SOCKET = paths.STATE_DOCKER / "docker.sock"
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 15.0


def running() -> bool:
    """Whether an engine that we did not start answers where Docker's own clients would look (DOCKER_HOST)."""
    try:
        return bool(docker.from_env(timeout=5).ping())
    except (docker.errors.DockerException, OSError):
        return False


def host() -> str:
    """The address of the engine that the environment uses, for DOCKER_HOST."""
    return f"unix://{_SOCKET}" if processes.alive(_NAME) else docker.from_env().api.base_url


def ours() -> str | None:
    """DOCKER_HOST of the engine that we started, or None: then the machine's own is used."""
    return f"unix://{_SOCKET}" if processes.alive(_NAME) else None


def start() -> str:
    """Start our own engine unless one runs; says which one is used.

    It has no bridge and writes no packet filter rules: images are built and pushed, containers run in the
    cluster. It listens on a socket in STATE, which only its owner can enter.
    """
    if not processes.alive(_NAME) and running():
        return "running already"
    program = shutil.which("dockerd", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
    if program is None:
        raise LocalError("dockerd is not installed; `apt-get install docker.io` brings it")
    paths.STATE_DOCKER.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = _config()
    argv = [
        program,
        f"--data-root={paths.STATE_DOCKER / 'data'}",
        f"--exec-root={paths.STATE_DOCKER / 'exec'}",
        f"--pidfile={paths.STATE_DOCKER / 'dockerd.pid'}",
        f"--host=unix://{_SOCKET}",
        f"--config-file={config}",
        "--bridge=none",
        "--iptables=false",
        "--ip-forward=false",
        "--ip-masq=false",
    ]
    processes.spawn(_NAME, argv, files=[config])
    processes.wait_until("Docker Engine's answer", _START_LIMIT_S, _answers, watch=[_NAME])
    return "Debian's, started"


def stop() -> list[str]:
    """Stop our engine and unmount what it left; returns what could not be stopped."""
    return processes.stop([_NAME], grace_s=_STOP_LIMIT_S)


def status() -> str:
    """How the engine does, in a word or two."""
    if processes.alive(_NAME):
        return "up" if _answers() else "starting, or does not answer"
    return "up (the machine's own)" if running() else "down"


def _config() -> Path:
    """A configuration file of our own, so that the machine's /etc/docker/daemon.json is not read."""
    file = paths.STATE_DOCKER / "daemon.json"
    file.write_text("{}\n")
    return file


def _answers() -> bool:
    if not _SOCKET.exists():
        return False
    try:
        return bool(docker.DockerClient(base_url=f"unix://{_SOCKET}", timeout=5).ping())
    except docker.errors.DockerException:
        return False

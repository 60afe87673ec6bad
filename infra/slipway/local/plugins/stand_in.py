"""Serve the kubernetes resource plugin: the real one if Pulumi can have it, else the stand-in beside."""

import hashlib
import http.client
import json
import os
import platform
import queue
import socket
import sys
import threading
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from slipway.local.host import commands, paths, processes
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

_NAME = "provider"
_LOCAL = Path(__file__).parents[1]
_SOURCES = tuple(
    _LOCAL / name for name in ("plugins/kubernetes", "plugins/protocol", "host/peers.py", "host/proc_net.py")
)
_PORT_FILE = paths.STATE_PROVIDER / "port"
_DIGEST_FILE = paths.STATE_PROVIDER / "digest"
_DOWNLOADS = "get.pulumi.com"
_REACH_LIMIT_S = 3.0
_INSTALL_LIMIT_S = 300.0
_START_LIMIT_S = 30.0


def start(env: Mapping[str, str], report: Report) -> str:
    """Have the plugin; says which one is used.

    Decides within a few seconds, once: a stand-in that runs goes on until `stop`, or is started anew when its
    code has changed.
    """
    if port() is not None and _is_current():
        return f"stand-in on 127.0.0.1:{port()}, running already"
    version = plugin_version()
    installed = paths.PULUMI_HOME / "plugins" / f"resource-kubernetes-v{version}"
    if not installed.exists() and _reachable(version):
        report(f"downloading pulumi-kubernetes {version}")
        try:
            _install(version, env)
        except LocalError as error:
            report(f"no download, using the stand-in: {str(error).splitlines()[0]}")
    if installed.exists():
        stop()
        return f"pulumi-kubernetes {version}, the real plugin"
    _serve(env)
    return f"stand-in on 127.0.0.1:{port()} (pulumi-kubernetes {version} cannot be downloaded)"


def stop() -> list[str]:
    """Stop the stand-in; returns what could not be stopped."""
    left = processes.stop([_NAME], grace_s=3.0)
    _PORT_FILE.unlink(missing_ok=True)
    return left


def port() -> int | None:
    """The port on which the stand-in serves engines, or None when it does not run."""
    if not processes.alive(_NAME):
        return None
    try:
        return int(_PORT_FILE.read_text())
    except (FileNotFoundError, ValueError):
        return None


def status() -> str:
    """How the plugin is served, in a word or two."""
    if port() is not None:
        return f"stand-in, up on port {port()}"
    real = (paths.PULUMI_HOME / "plugins").glob("resource-kubernetes-v*")
    return next((folder.name for folder in real if folder.is_dir()), "down")


def plugin_version() -> str:
    """The plugin version that the installed pulumi_kubernetes package asks for."""
    content = resources.files("pulumi_kubernetes").joinpath("pulumi-plugin.json").read_text()
    return str(json.loads(content)["version"])


def digest(*sources: Path) -> str:
    """Hex digest of the stand-in's own code (folders and files), so that a change of it takes effect."""
    content = hashlib.sha256()
    for source in sources:
        for file in sorted(source.glob("**/*.py")) or [source]:
            content.update(file.relative_to(source).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return content.hexdigest()


def _serve(env: Mapping[str, str]) -> None:
    paths.STATE_PROVIDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    stop()
    argv = [sys.executable, "-P", "-m", "slipway.local.plugins.kubernetes", "--port-file", str(_PORT_FILE)]
    processes.spawn(_NAME, argv, {**os.environ, **env})
    _DIGEST_FILE.write_text(digest(*_SOURCES))
    processes.wait_until("the stand-in's port", _START_LIMIT_S, _answers, watch=[_NAME])


def _is_current() -> bool:
    return _DIGEST_FILE.exists() and _DIGEST_FILE.read_text() == digest(*_SOURCES)


def _answers() -> bool:
    number = port()
    if number is None:
        return False
    with socket.create_connection(("127.0.0.1", number), timeout=2):
        return True


def _reachable(version: str) -> bool:
    """Whether Pulumi's download server has the plugin for this machine: one HEAD, a few seconds at most.

    In a thread of its own, because looking a name up has no limit that a program could set.
    """
    answers: queue.Queue[bool] = queue.Queue()
    threading.Thread(target=lambda: answers.put(_ask_for(version)), daemon=True).start()
    try:
        return answers.get(timeout=_REACH_LIMIT_S)
    except queue.Empty:
        return False


def _ask_for(version: str) -> bool:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    link = http.client.HTTPSConnection(_DOWNLOADS, timeout=_REACH_LIMIT_S)
    path = f"/releases/plugins/pulumi-resource-kubernetes-v{version}-linux-{machine}.tar.gz"
    try:
        link.request("HEAD", path)
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _install(version: str, env: Mapping[str, str]) -> None:
    commands.run(
        commands.Command(
            what="pulumi plugin install",
            argv=["pulumi", "plugin", "install", "resource", "kubernetes", version],
            env={**os.environ, **env},
            log=paths.STATE_LOG / "plugin-install.log",
            limit_s=_INSTALL_LIMIT_S,
        )
    )

"""Have a container registry on loopback: the one that answers there, else Debian's docker-registry.

Ours trusts whoever reaches it, so that a packet rule lets only its own user's and root's processes do.
"""

import http.client
import os
import shutil
from pathlib import Path

from slipway.local.host import packet_filter, paths, proc_net, processes
from slipway.local.host.errors import LocalError

ADDRESS = "127.0.0.1:5000"
_PORT = int(ADDRESS.rpartition(":")[2])
_CHAIN = "REGISTRY"
_NAME = "registry"
_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 5.0
_CONFIG = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: "{root}"}}
  delete: {{enabled: true}}
http: {{addr: "{address}"}}
"""


def start() -> str:
    """Start our registry unless one answers; says which one is used.

    Raises:
        LocalError: it does not start, or something that is no registry holds its port.
    """
    if not processes.alive(_NAME):
        found = answer()
        if found == "registry":
            return "running already"
        if found is not None:
            raise LocalError(
                f"{ADDRESS} is taken by something that is no container registry of yours ({found}); "
                f"`ss -ltnp 'sport = :{_PORT}'` names it. Stop it and run this again."
            )
    program = shutil.which("docker-registry", path="/usr/local/bin:/usr/bin")
    if program is None:
        raise LocalError("docker-registry is not installed; `apt-get install docker-registry` brings it")
    paths.STATE_REGISTRY.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = _write_config()
    packet_filter.close(_CHAIN, (_PORT,))
    processes.spawn(_NAME, [program, "serve", str(config)], files=[config])
    processes.wait_until("the registry's answer", _START_LIMIT_S, lambda: answer() == "registry", watch=[_NAME])
    return "Debian's, started"


def stop() -> list[str]:
    """Stop our registry; returns what could not be stopped or removed."""
    left = processes.stop([_NAME], grace_s=_STOP_LIMIT_S)
    return left or packet_filter.reopen(_CHAIN)


def status() -> str:
    """How the registry does, in a word or two."""
    up = answer() == "registry"
    if processes.alive(_NAME):
        if not packet_filter.is_closed(_CHAIN, (_PORT,)):
            return "up, open to every user of this machine: its packet rule is gone, `slipway local up` puts it back"
        return "up" if up else "starting, or does not answer"
    return "up (the machine's own)" if up else "down"


def log() -> Path:
    """Where our registry writes its messages."""
    return processes.log_file(_NAME)


def answer() -> str | None:
    """`registry`, what else answers on the port, or None when nothing does.

    One that another user runs is no registry to us: what it serves would run in every model.
    """
    link = http.client.HTTPConnection(ADDRESS, timeout=5)
    try:
        link.request("GET", "/v2/")
        response = link.getresponse()
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        link.close()
    version = response.headers.get("Docker-Distribution-Api-Version")
    if version is not None and response.status == 200:
        uid = proc_net.listener(_PORT)
        return "registry" if uid in (None, 0, os.geteuid()) else f"a registry of another user, uid {uid}"
    return f"HTTP {response.status}" if version is None else f"a registry that answers {response.status}"


def _write_config() -> Path:
    file = paths.STATE_REGISTRY / "config.yml"
    file.write_text(_CONFIG.format(root=paths.STATE_REGISTRY / "data", address=ADDRESS))
    return file

"""Read credentials of registries as Docker's own command does: a helper that this machine does not have is ignored.

The file ~/.docker/config.json may name helpers that another machine has: Docker Desktop leaves `desktop` in a home
folder that is synchronised or seen from WSL. Docker then goes on without, and not every registry asks for credentials.
"""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.utils.config import find_config_file

_REFUSED = re.compile(r"auth|denied|credential|forbidden|login", re.IGNORECASE)
_NOTHING: dict[str, Any] = {"none.invalid": {}}
"""Stands for no credentials: docker-py would read an empty configuration again from its file."""


@dataclass(frozen=True)
class Missing:
    """Helpers that Docker's configuration names and this machine has not."""

    file: str
    helpers: tuple[str, ...]

    def explain(self, reason: str) -> str:
        """A registry's reason, with what to do about the helpers if they may be behind it."""
        if not self.helpers or not _REFUSED.search(reason):
            return reason
        names = ", ".join(f"docker-credential-{name}" for name in self.helpers)
        return (
            f"{reason}; it was asked without credentials, since {self.file} names {names}, which is not on PATH: "
            "install it, or remove it from the file"
        )


def without_missing_helpers(client: docker.DockerClient) -> Missing:
    """Have a client do without credential helpers that are not on this machine; returns those."""
    file = find_config_file()
    configuration = _read(str(file)) if file else {}
    helpers = {registry: name for registry, name in _mapping(configuration, "credHelpers").items() if _there(name)}
    store = configuration.get("credsStore")
    named = [*_mapping(configuration, "credHelpers").values(), *([store] if store else [])]
    missing = tuple(dict.fromkeys(str(name) for name in named if not _there(name)))
    if file and missing:
        kept: dict[str, Any] = {"auths": _mapping(configuration, "auths") or _NOTHING, "credHelpers": helpers}
        if store and _there(store):
            kept["credsStore"] = store
        with tempfile.NamedTemporaryFile("w", prefix="slipway-", suffix=".json") as ours:  # of mode 0600
            json.dump(kept, ours)
            ours.flush()
            client.api.reload_config(ours.name)
    return Missing(str(file), missing)


def _read(file: str) -> dict[str, Any]:
    """The configuration; nothing where docker-py reads nothing either."""
    try:
        value = json.loads(Path(file).read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _mapping(configuration: dict[str, Any], key: str) -> dict[str, Any]:
    value = configuration.get(key)
    return value if isinstance(value, dict) else {}


def _there(helper: object) -> bool:
    return shutil.which(f"docker-credential-{helper}") is not None

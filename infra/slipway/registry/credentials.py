"""Read credentials of registries as Docker's own command does: a helper that this machine does not have is ignored.

The file ~/.docker/config.json may name helpers that another machine has: Docker Desktop leaves `desktop` in a home
folder that is synchronised or seen from WSL. Docker then goes on without, and not every registry asks for credentials.
"""

import base64
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.auth import AuthConfig
from docker.credentials import StoreError
from docker.utils.config import find_config_file

from slipway.errors.base import FileRefused
from slipway.errors.images import RegistryFailed

_REFUSED = re.compile(r"auth|denied|credential|forbidden|login", re.IGNORECASE)
_NOTHING: dict[str, Any] = {"none.invalid": {}}
"""Stands for no credentials: docker-py would read an empty configuration again from its file."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a registry is shown: a user and password, or a token that its issuer takes for shorter ones, or nothing."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    identity_token: str | None = field(default=None, repr=False)

    @property
    def basic(self) -> str | None:
        """The value of a header `Authorization`; None without a user."""
        if self.user is None:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()


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


def login_of(registry: str) -> tuple[Login, Missing]:
    """What Docker's configuration has for a registry, by its host; raises as docker-py's errors, in our words.

    Raises:
        FileRefused: the configuration cannot be read.
        RegistryFailed: a credential helper fails.
    """
    kept, missing = _usable()
    try:
        found = AuthConfig.load_config(None, kept).resolve_authconfig(registry) or {}
    except docker.errors.InvalidConfigFile as error:
        todo = "correct it, or remove it and run docker login"
        raise FileRefused(missing.file, str(error), "Docker's configuration", todo) from error
    except (docker.errors.DockerException, StoreError) as error:
        raise RegistryFailed(registry, str(error)) from error
    said = {key.lower(): value for key, value in found.items()}
    return Login(said.get("username"), said.get("password"), said.get("identitytoken")), missing


def without_missing_helpers(client: docker.DockerClient) -> Missing:
    """Have a client do without credential helpers that are not on this machine; returns those."""
    kept, missing = _usable()
    if kept is not None:
        with tempfile.NamedTemporaryFile("w", prefix="slipway-", suffix=".json") as ours:  # of mode 0600
            json.dump(kept, ours)
            ours.flush()
            client.api.reload_config(ours.name)
    return missing


@contextmanager
def docker_configuration() -> Iterator[Path | None]:
    """A folder with Docker's configuration without helpers that are not on this machine; None: it can be used as it is.

    For other programs than Docker, by DOCKER_CONFIG: they refuse to go on without a helper.
    """
    kept, _ = _usable()
    if kept is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="slipway-docker-") as folder:  # of mode 0700
        (Path(folder) / "config.json").write_text(json.dumps(kept))
        yield Path(folder)


def _usable() -> tuple[dict[str, Any] | None, Missing]:
    """Docker's configuration without helpers that are not there; None where it can be used as it is."""
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
        return kept, Missing(str(file), missing)
    return None, Missing(str(file), missing)


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

"""Debian's docker-registry on a port of loopback of its own, as the local environment has it, with a login or none."""

import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import yaml

from tests.support.looking import until

USER, PASSWORD = "deploy", "open"
_HASH = "$2b$05$dNxjNpFxY71pknREG1FuHe0DorzTVE2b7qBkSmjtYpVs4Cu/XV8GK"
"""Of the password, by bcrypt: the one kind of hash that the registry takes."""


@contextmanager
def docker_registry(folder: Path, *, login: bool = False) -> Iterator[str]:
    """Run one; gives its address. Everything of it is in `folder`."""
    folder.mkdir()
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
    }
    if login:
        (folder / "users").write_text(f"{USER}:{_HASH}\n")
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "users")}}
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        until("the registry answers", lambda: _answers(address), 30)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False

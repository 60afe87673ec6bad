"""Write a one-layer container image as the archive that `docker load` and containerd's import read."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""As images call the machines that kernels name so."""
_EPOCH = "1970-01-01T00:00:00Z"
"""Same content, same digest: no file and no image carries the time at which it was made."""


@dataclass(frozen=True)
class ImageConfig:
    """How a container of the image runs."""

    entrypoint: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    architecture: str | None = None
    """None: this machine's."""


def own_architecture() -> str:
    """This machine's architecture, as images call it."""
    return ARCHITECTURES.get(os.uname().machine, os.uname().machine)


def write(target: Path, name: str, layer: Path, config: ImageConfig) -> None:
    """Write `target`, an image called `name` (repository:tag) whose only layer is the tar file `layer`."""
    content = hashlib.file_digest(layer.open("rb"), "sha256").hexdigest()
    document = {
        "architecture": config.architecture or own_architecture(),
        "os": "linux",
        "created": _EPOCH,
        "config": {
            "Entrypoint": list(config.entrypoint) or None,
            "Env": [f"{key}={value}" for key, value in config.env.items()],
            "Labels": dict(config.labels),
            "User": config.user,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{content}"]},
        "history": [{"created": _EPOCH, "created_by": "slipway local"}],
    }
    blob = json.dumps(document, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(blob).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [f"{content}/layer.tar"]}]
    new = target.with_name(f".{target.name}.new")
    with tarfile.open(new, "w") as archive:
        _add(archive, config_name, blob)
        entry = tarfile.TarInfo(f"{content}/layer.tar")
        entry.size = layer.stat().st_size
        with layer.open("rb") as stream:
            archive.addfile(entry, stream)
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    new.rename(target)


def write_layer(target: Path, root: Path, sticky: Sequence[str] = ()) -> None:
    """Write the folder `root` as a layer that depends on its content alone.

    Names are sorted, every owner is root, every time is 0, and no file keeps a set-uid bit. The folders in
    `sticky` (such as `tmp`) can be written by everybody.
    """

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = "root"
        entry.mode = 0o1777 if entry.name in sticky else entry.mode & 0o755
        return entry

    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as layer:
        for path in sorted(root.rglob("*")):
            layer.add(path, str(path.relative_to(root)), recursive=False, filter=plain)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))

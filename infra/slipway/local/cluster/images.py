"""Make small container images from files, without a container engine: archive them, push them to a registry."""

import gzip
import hashlib
import http.client
import io
import json
import tarfile
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from slipway.local.host.errors import LocalError
from slipway.local.host.text import shortened

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_PLATFORM = {"architecture": "amd64", "os": "linux"}
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Image:
    """An OCI image of one layer. The same files give the same bytes, hence the same digest."""

    manifest: bytes
    config: bytes
    layer: bytes

    @property
    def digest(self) -> str:
        """`sha256:...` of the manifest: what a pod names to get exactly this image."""
        return _digest(self.manifest)


def build(files: Mapping[PurePosixPath, Path], entrypoint: Sequence[str], user: str = "65535:65535") -> Image:
    """An image whose file system holds `files` (path in the image: path here, mode 0755) and nothing else."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folders = {parent for path in files for parent in path.parents} - {PurePosixPath("/")}
        for folder in sorted(folders):
            _add(archive, folder, None)
        for path, source in sorted(files.items()):
            _add(archive, path, source.read_bytes())
    return of_layer(raw.getvalue(), {"Entrypoint": list(entrypoint), "User": user})


def of_layer(content: bytes, settings: Mapping[str, object]) -> Image:
    """An image of one layer, a tar file; `settings` as OCI's image configuration names them (Entrypoint, Env, ...)."""
    layer = gzip.compress(content, 6, mtime=0)
    config = _json(
        {
            **_PLATFORM,
            "config": dict(settings),
            "rootfs": {"type": "layers", "diff_ids": [_digest(content)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer)],
        }
    )
    return Image(manifest, config, layer)


def archive(image: Image, reference: str, out: Path) -> None:
    """Write `image` as an OCI archive that `ctr images import` loads under the name `reference`."""
    entry = {
        **_descriptor(_MANIFEST, image.manifest),
        "platform": _PLATFORM,
        "annotations": {"io.containerd.image.name": reference},
    }
    contents = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": _json({"schemaVersion": 2, "manifests": [entry]}),
    }
    for blob in (image.config, image.layer, image.manifest):
        contents[f"blobs/sha256/{_digest(blob).removeprefix('sha256:')}"] = blob
    with tarfile.open(out, "w") as written:
        for name, data in contents.items():
            _add(written, PurePosixPath(name), data, 0o644)


def save(image: Image, folder: Path) -> None:
    """Keep `image` in a folder for `load`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (("manifest", image.manifest), ("config", image.config), ("layer", image.layer)):
        (folder / name).write_bytes(data)


def load(folder: Path) -> Image:
    """The image that `save` kept."""
    return Image(*((folder / name).read_bytes() for name in ("manifest", "config", "layer")))


def kept_digest(folder: Path) -> str:
    """`sha256:...` of the image that `save` kept, without reading its layer."""
    return _digest((folder / "manifest").read_bytes())


def ensure(folder: Path, registry: str, repository: str, tag: str) -> bool:
    """Have the image that `save` kept in a registry under a tag; returns whether it had to be sent.

    Raises:
        LocalError: the registry refused it or does not answer.
    """
    if tagged(registry, repository, tag) == kept_digest(folder):
        return False
    push(load(folder), registry, repository, tag)
    return True


def tagged(registry: str, repository: str, tag: str) -> str | None:
    """The digest that a plain-HTTP registry (host:port) has for a tag, or None. LocalError: no such answer."""
    link = http.client.HTTPConnection(registry, timeout=_TIMEOUT_S)
    try:
        link.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": _MANIFEST})
        answer = link.getresponse()
        if answer.status not in (200, 404):
            raise LocalError(f"registry {registry}: HEAD {repository}:{tag}: {answer.status}")
        return answer.headers["Docker-Content-Digest"] if answer.status == 200 else None
    except OSError as error:
        raise LocalError(f"registry {registry} does not answer: {error}") from error
    finally:
        link.close()


def push(image: Image, registry: str, repository: str, tag: str | None = None) -> str:
    """Push `image` to a plain-HTTP registry (host:port), under `tag` too. Returns the reference by digest.

    Raises:
        LocalError: the registry refused it or does not answer.
    """
    link = http.client.HTTPConnection(registry, timeout=_TIMEOUT_S)
    base = f"/v2/{repository}"
    try:
        for blob in (image.config, image.layer):
            if _call(link, "HEAD", f"{base}/blobs/{_digest(blob)}", (200, 404)).status == 404:
                place = _call(link, "POST", f"{base}/blobs/uploads/", (202,)).headers["Location"]
                parts = urllib.parse.urlsplit(place)
                query = [*urllib.parse.parse_qsl(parts.query), ("digest", _digest(blob))]
                target = f"{parts.path}?{urllib.parse.urlencode(query)}"
                _call(link, "PUT", target, (201,), blob, "application/octet-stream")
        for name in (image.digest, *([] if tag is None else [tag])):
            _call(link, "PUT", f"{base}/manifests/{name}", (201,), image.manifest, _MANIFEST)
    except OSError as error:
        raise LocalError(f"registry {registry} does not answer: {error}") from error
    finally:
        link.close()
    return f"{registry}/{repository}@{image.digest}"


def _call(
    link: http.client.HTTPConnection,
    method: str,
    path: str,
    expected: tuple[int, ...],
    body: bytes | None = None,
    kind: str | None = None,
) -> http.client.HTTPResponse:
    link.request(method, path, body, {"Content-Type": kind} if kind is not None else {})
    answer = link.getresponse()
    text = answer.read()
    if answer.status not in expected:
        said = shortened(text.decode(errors="replace"), 200)
        raise LocalError(f"registry {link.host}: {method} {path}: {answer.status} {said!r}")
    return answer


def _add(archive: tarfile.TarFile, path: PurePosixPath, data: bytes | None, mode: int = 0o755) -> None:
    """Add a file, or a folder when there is no data; owner, times and order are fixed."""
    member = tarfile.TarInfo(str(path).lstrip("/"))
    member.mode = mode
    if data is None:
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    else:
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))


def _descriptor(kind: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

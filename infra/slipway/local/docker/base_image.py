"""Make the base image, Debian's Python and what it needs and no more, and have it in the local registry."""

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path

import docker
import docker.errors

from slipway.local.docker import base_rootfs, debian_rootfs, engine, image_archive, registry
from slipway.local.host import paths
from slipway.local.host.cache import locked
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

REPOSITORY = f"{registry.ADDRESS}/slipway/base"
TAG = f"{debian_rootfs.RELEASE}-py311"
IMAGE = f"{REPOSITORY}:{TAG}"
_PUSHED = paths.STATE / "base-image.json"


def inputs() -> str:
    """16 hex digits of what the image is made from; a new one is made when the recipe changes."""
    recipe = b"".join(Path(str(module.__file__)).read_bytes() for module in (base_rootfs, debian_rootfs, image_archive))
    return hashlib.sha256(recipe).hexdigest()[:16]


def build(report: Report, architecture: str | None = None) -> Path:
    """The image as an archive for `docker load`, from the cache or made now; of this machine where none is named."""
    name, tagged = f"base-{inputs()}", IMAGE
    if architecture is not None:
        name, tagged = f"{name}-{architecture}", f"{IMAGE}-{architecture}"
    archive = paths.CACHE_IMAGES / f"{name}.tar"
    with locked(archive.stem):
        if not archive.exists():
            layer = paths.CACHE_IMAGES / f".{archive.stem}.layer"
            base_rootfs.build(layer, report, architecture)
            config = image_archive.ImageConfig(
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
                labels={
                    "org.opencontainers.image.title": "Slipway base",
                    "org.opencontainers.image.description": f"Debian {debian_rootfs.RELEASE} with Python 3.11",
                    "slipway.dev/base-inputs": inputs(),
                },
                user=f"{debian_rootfs.USER_ID}:{debian_rootfs.USER_ID}",
                architecture=architecture,
            )
            image_archive.write(archive, tagged, layer, config)
            layer.unlink()
    return archive


def push(archive: Path, report: Report) -> str:
    """Have the image in the local registry and return its digest; nothing is sent when it is there already."""
    recorded = _recorded()
    present = digest_in_registry()
    if present is not None and recorded == {"inputs": inputs(), "digest": present}:
        return present
    digest = load_and_push(archive, TAG, report)
    _PUSHED.write_text(json.dumps({"inputs": inputs(), "digest": digest}))
    return digest


def load_and_push(archive: Path, tag: str, report: Report) -> str:
    """Have the image of an archive, which has this tag, in the local registry; returns its digest."""
    image = f"{REPOSITORY}:{tag}"
    report(f"loading {tag} into Docker")
    try:
        client = docker.DockerClient(base_url=engine.host(), timeout=300)
        with archive.open("rb") as stream:
            client.images.load(stream)
        report(f"pushing {tag} to the registry")
        for line in client.images.push(REPOSITORY, tag=tag, stream=True, decode=True):
            if "error" in line:
                raise LocalError(f"cannot push {image}: {line['error']}")
    except (docker.errors.DockerException, OSError) as error:
        raise LocalError(f"cannot push {image} with Docker at {engine.host()}: {error}") from error
    digest = digest_in_registry(tag)
    if digest is None:
        raise LocalError(f"{image} was pushed, but the registry does not have it; its log: {registry.log()}")
    return digest


def pinned() -> str | None:
    """The image by the digest that `push` saw last, as `NAME:TAG@sha256:...`; None before the first time."""
    recorded = _recorded()
    return f"{IMAGE}@{recorded['digest']}" if recorded else None


def digest_in_registry(tag: str = TAG) -> str | None:
    """The digest that the registry has for the tag, or None."""
    request = urllib.request.Request(
        f"http://{registry.ADDRESS}/v2/slipway/base/manifests/{tag}",
        method="HEAD",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - a constant address
            return str(answer.headers["Docker-Content-Digest"])
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise LocalError(f"registry at {registry.ADDRESS}: {error}; its log: {registry.log()}") from error
    except OSError as error:
        raise LocalError(f"registry at {registry.ADDRESS}: {error}; its log: {registry.log()}") from error


def _recorded() -> dict[str, str] | None:
    try:
        recorded: dict[str, str] = json.loads(_PUSHED.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return recorded

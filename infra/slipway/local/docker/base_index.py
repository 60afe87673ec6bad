"""Have the base image for several architectures under one tag: images of other machines are built on it without one."""

import json
import urllib.request
from collections.abc import Mapping

from slipway.local.docker import base_image, registry
from slipway.local.docker.image_archive import own_architecture
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

TAG = f"{base_image.TAG}-all"
IMAGE = f"{base_image.REPOSITORY}:{TAG}"
ARCHITECTURES = ("amd64", "arm64")
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_LIMIT_S = 30


def push(report: Report) -> str:
    """Build what is missing, have all of it in the local registry, and return `IMAGE`, an index of it.

    Raises:
        LocalError: a package could not be fetched, or there is no Docker Engine or registry.
    """
    digests = {}
    for architecture in ARCHITECTURES:
        if architecture == own_architecture():
            digests[architecture] = base_image.push(base_image.build(report), report)
        else:
            archive = base_image.build(report, architecture)
            digests[architecture] = base_image.load_and_push(archive, f"{base_image.TAG}-{architecture}", report)
    put_index(base_image.REPOSITORY, TAG, digests)
    return IMAGE


def put_index(repository: str, tag: str, digests: Mapping[str, str]) -> None:
    """Have a tag name one image for each architecture: `digests` of a repository, which has them, by architecture.

    Docker's own command for that is a plug-in that Debian does not have.
    """
    listed = [
        {
            "mediaType": _MANIFEST,
            "digest": digest,
            "size": len(_asked(repository, digest)),
            "platform": {"architecture": architecture, "os": "linux"},
        }
        for architecture, digest in digests.items()
    ]
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": listed}
    _asked(repository, tag, json.dumps(index).encode())


def _asked(repository: str, reference: str, stored: bytes | None = None) -> bytes:
    """Ask the registry, which is on this machine, for a manifest, or have it store an index."""
    address, _, path = repository.partition("/")
    url = f"http://{address}/v2/{path}/manifests/{reference}"
    headers = {"Accept": _MANIFEST} if stored is None else {"Content-Type": _INDEX}
    request = urllib.request.Request(url, stored, headers, method="GET" if stored is None else "PUT")
    try:
        with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:  # noqa: S310 - http alone, by its beginning
            return bytes(answer.read())
    except OSError as error:
        raise LocalError(f"registry at {address}: {error}; its log: {registry.log()}") from error

"""Files pushed to a registry as an artifact, as `oras push` does: a layer for each, with its name as title."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.registry.client import Descriptor, Manifest, RepositoryClient
from slipway.registry.repository import Repository

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class _Blob:
    """A blob's bytes, to be sent."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        yield self._data


def push(registry: str, repository: str, tag: str, files: Mapping[str, bytes]) -> str:
    """Push files under a tag; returns the digest of their manifest."""
    client = RepositoryClient(Repository(registry, repository), "pull,push")
    entries: list[dict[str, Any]] = []
    for title, data in {"": b"{}", **files}.items():
        blob = Descriptor(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
        if not client.has(blob) and (location := client.upload(blob)) is not None:
            client.send(location, blob, _Blob(data))  # type: ignore[arg-type]  # a stream, as requests sees it
        named = {"annotations": {"org.opencontainers.image.title": title}} if title else {}
        entries.append({"mediaType": "application/octet-stream", "digest": blob.digest, "size": blob.size, **named})
    config = {**entries[0], "mediaType": "application/vnd.oci.empty.v1+json"}
    value = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": entries[1:]}
    manifest = Manifest(_MANIFEST, json.dumps(value).encode(), value)
    client.put(manifest, tag)
    return manifest.digest

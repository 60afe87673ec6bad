"""Read and write manifests and blobs of one repository, byte for byte (OCI distribution spec 1.1)."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
import urllib3

from slipway.errors.images import ImageMissing, RegistryFailed
from slipway.registry.connection import Connection, Pause
from slipway.registry.credentials import Login, Missing, login_of
from slipway.registry.repository import Repository

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
IMAGES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_ACCEPT = ", ".join((*INDEXES, *IMAGES))
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PAGES_MOST = 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as it is stored: `value` is what `data` says."""

    media_type: str
    data: bytes
    value: dict[str, Any]

    @property
    def digest(self) -> str:
        """The digest of its bytes, by which it is named."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest names: `size` in bytes. `elsewhere`: its bytes are in no registry, but where a URL says."""

    digest: str
    size: int
    elsewhere: bool = False


class RepositoryClient:
    """One repository. Every method raises `RegistryFailed`, or one of its kinds, in the registry's own words."""

    def __init__(
        self,
        repository: Repository,
        actions: str = "pull",
        beside: Sequence[Repository] = (),
        pause: Pause = time.sleep,
        login: Callable[[str], tuple[Login, Missing]] = login_of,
    ) -> None:
        """Take Docker's credentials for the registry; for the rest see `Connection`."""
        self.repository = repository
        self._link = Connection(repository, actions, login(repository.host), beside, pause)

    def digest(self, reference: str) -> str | None:
        """The digest of what a tag or digest names; None where there is none, not even the repository."""
        answer = self._link.ask("HEAD", f"manifests/{reference}", headers={"Accept": _ACCEPT})
        if answer.status_code == 404:
            return None
        if not answer.ok:
            raise self._link.refused(answer, f"manifest {reference}")
        said = answer.headers.get("Docker-Content-Digest", "")
        return said if _DIGEST.fullmatch(said) else self.manifest(reference).digest

    def manifest(self, reference: str) -> Manifest:
        """The manifest of a tag or a digest. `ImageMissing` where there is none."""
        answer = self._link.ask("GET", f"manifests/{reference}", headers={"Accept": _ACCEPT}, stream=True)
        if not answer.ok:
            raise self._missing_image(answer, f"manifest {reference}")
        data = self._link.document(answer)
        value = self._object(data, reference)
        media_type = value.get("mediaType") or answer.headers.get("Content-Type", "").partition(";")[0]
        manifest = Manifest(str(media_type), data, value)
        if reference.startswith("sha256:") and reference != manifest.digest:
            raise self._wrong(f"sent a manifest of the digest {manifest.digest} for {reference}")
        return manifest

    def put(self, manifest: Manifest, reference: str) -> bool:
        """Store a manifest under a tag or its digest; returns whether the registry itself lists what refers to what."""
        headers = {"Content-Type": manifest.media_type}
        answer = self._link.ask("PUT", f"manifests/{reference}", headers=headers, data=manifest.data)
        if answer.status_code not in (200, 201):
            raise self._link.refused(answer, f"manifest {reference}")
        stored = answer.headers.get("Docker-Content-Digest", manifest.digest)
        if stored != manifest.digest:
            raise self._wrong(f"stored manifest {manifest.digest} as {stored[:100]}")
        return "OCI-Subject" in answer.headers

    def has(self, blob: Descriptor) -> bool:
        """Whether a blob is there, whole."""
        answer = self._link.ask("HEAD", f"blobs/{blob.digest}", allow_redirects=True)
        if answer.status_code == 404:
            return False
        if not answer.ok:
            raise self._link.refused(answer, f"blob {blob.digest}")
        return True

    def upload(self, blob: Descriptor, mount: Repository | None = None) -> str | None:
        """Begin an upload; returns where the bytes go, None where the registry had them from the repository `mount`."""
        asked = {"mount": blob.digest, "from": mount.path} if mount else {}
        answer = self._link.ask("POST", f"blobs/uploads/?{urlencode(asked)}" if asked else "blobs/uploads/")
        if answer.status_code == 201:
            return None
        location = answer.headers.get("Location")
        if answer.status_code != 202 or location is None:
            raise self._link.refused(answer, f"an upload of blob {blob.digest}")
        return urljoin(answer.url, location)

    def send(self, location: str, blob: Descriptor, stream: "VerifiedStream") -> None:
        """Send a blob's bytes to where an upload goes; not tried again, since the stream is used up."""
        url = f"{location}{'&' if '?' in location else '?'}{urlencode({'digest': blob.digest})}"
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._link.ask("PUT", url, once=True, headers=headers, data=stream)
        if answer.status_code not in (200, 201):
            raise self._link.refused(answer, f"blob {blob.digest}")

    def read(self, blob: Descriptor) -> "VerifiedStream":
        """A blob's bytes, one after the other. `ImageMissing` where it is gone."""
        answer = self._link.ask("GET", f"blobs/{blob.digest}", stream=True, headers={"Accept-Encoding": "identity"})
        if not answer.ok:
            raise self._missing_image(answer, f"blob {blob.digest}")
        return VerifiedStream(self.repository, answer, blob)

    def referrers(self, digest: str) -> Iterator[Descriptor]:
        """Manifests that refer to one: what the registry lists, else what stands under the tag that stands for it."""
        answer = self._link.ask("GET", f"referrers/{digest}", stream=True)
        for _ in range(_PAGES_MOST):
            if answer.status_code == 404:
                answer.close()
                break
            if not answer.ok:
                raise self._link.refused(answer, f"what refers to {digest}")
            following = answer.links.get("next", {}).get("url")
            value = self._object(self._link.document(answer), f"referrers of {digest}")
            yield from descriptors(value.get("manifests"), self.repository)
            if following is None:
                return
            answer = self._link.ask("GET", urljoin(answer.url, following), stream=True)
        else:
            raise self._wrong(f"lists more than {_PAGES_MOST} pages of what refers to {digest}")
        try:
            index = self.manifest(fallback_tag(digest))
        except ImageMissing:
            return
        yield from descriptors(index.value.get("manifests"), self.repository)

    def _missing_image(self, answer: requests.Response, what: str) -> RegistryFailed:
        error = self._link.refused(answer, what)
        return ImageMissing(str(self.repository), f"does not have {what}") if answer.status_code == 404 else error

    def _object(self, data: bytes, what: str) -> dict[str, Any]:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._wrong(f"sent no JSON for {what}") from error
        if not isinstance(value, dict):
            raise self._wrong(f"sent no JSON object for {what}")
        return value

    def _wrong(self, reason: str) -> RegistryFailed:
        return RegistryFailed(str(self.repository), reason)


def fallback_tag(digest: str) -> str:
    """The tag of the index of what refers to a manifest, where the registry lists nothing itself."""
    return digest.replace(":", "-")


def descriptors(listed: object, repository: Repository) -> list[Descriptor]:
    """The descriptors in a manifest's list; `RegistryFailed` for one that is none."""
    found = []
    for entry in listed if isinstance(listed, list) else []:
        digest, size = (entry.get("digest"), entry.get("size")) if isinstance(entry, dict) else (None, None)
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or type(size) is not int or size < 0:
            raise RegistryFailed(str(repository), f"has a manifest that names {str(entry)[:200]!r}, which is no blob")
        found.append(Descriptor(digest, size, bool(entry.get("urls"))))
    return found


class VerifiedStream:
    """The bytes of a blob while they pass through: never all of them in memory, and none too many or of another digest.

    `read` raises `RegistryFailed` when the source breaks off, or when the last byte came and the digest is another one:
    before the target has all that it was promised.
    """

    def __init__(self, source: Repository, answer: requests.Response, blob: Descriptor) -> None:
        """Take an answer whose body was not read yet."""
        self._source, self._answer, self._blob = source, answer, blob
        self._read = 0
        self._digest = hashlib.sha256()

    def __len__(self) -> int:
        return self._blob.size

    def __iter__(self) -> Iterator[bytes]:
        """As `read`; by it requests knows a stream, whose length it then sends."""
        while data := self.read():
            yield data

    def __enter__(self) -> "VerifiedStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()

    def read(self, size: int = 2**16) -> bytes:
        """The next bytes, none at the end."""
        try:
            data: bytes = self._answer.raw.read(min(size, self._blob.size - self._read + 1))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._failed(f"broke off after {self._read} of {self._blob.size} bytes: {error}") from error
        self._read += len(data)
        self._digest.update(data)
        if self._read > self._blob.size or (not data and self._read < self._blob.size):
            raise self._failed(f"sent {self._read} bytes of {self._blob.size}")
        if self._read == self._blob.size and f"sha256:{self._digest.hexdigest()}" != self._blob.digest:
            raise self._failed(f"sent other bytes, of sha256:{self._digest.hexdigest()}")
        return data

    def _failed(self, reason: str) -> RegistryFailed:
        return RegistryFailed(str(self._source), f"blob {self._blob.digest}: {reason}")

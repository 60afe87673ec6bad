"""Copy an image from one repository to another as it is: blobs, manifests, and what refers to it; the tag last.

Nothing is made anew: every byte that arrives has the digest that it had, so that what was judged in one environment is
what runs in the next. What is there already is not sent again, so that a copy that broke off is continued by another.
"""

import json
import time
from dataclasses import dataclass, field

from slipway.errors.base import SlipwayError
from slipway.errors.images import CopyFailed, ImageMissing, RegistryFailed, RepositoryMissing, TagTaken
from slipway.registry.client import (
    IMAGES,
    INDEXES,
    Descriptor,
    Manifest,
    RepositoryClient,
    descriptors,
    fallback_tag,
)
from slipway.registry.connection import Pause
from slipway.registry.repository import Repository
from slipway.values.aliases import Tell

_BLOB_TRIES = 3
_DEPTH_MOST = 4
"""An index of images, each of which is referred to by something, which may be signed itself."""
_MANIFESTS_MOST = 200
_MIB = 2**20


def copy_image(source: str, target: str, tell: Tell, pause: Pause = time.sleep) -> str:
    """Copy the image `repository@sha256:...` to `repository:tag`; returns its digest, which is the same.

    Args:
        source: the image, by digest.
        target: where it is to be; a tag that names it already is left alone.
        tell: is told how far it is.
        pause: waits for seconds, where a registry is busy.

    Raises:
        TagTaken: the tag names another image.
        RepositoryMissing: the target's registry makes no repository by itself.
        CopyFailed: anything else; the tag then does not name the image.
    """
    repository, _, digest = source.partition("@")
    name, _, tag = target.rpartition(":")
    there, here = Repository.of(repository), Repository.of(name)
    same = there.host == here.host
    try:
        reader = RepositoryClient(there, pause=pause)
        writer = RepositoryClient(here, "pull,push", [there] if same and there != here else [], pause)
        taken = writer.digest(tag)
        if taken is not None and taken != digest:
            raise TagTaken(target, taken, digest)
        if there == here and taken == digest:
            return digest
        manifest = reader.manifest(digest)
        copy = _Copy(reader, writer, there if same else None, tell)
        copy.tree(manifest, 0)
        if taken is None:
            writer.put(manifest, tag)
        if writer.digest(tag) != digest:
            raise RegistryFailed(target, f"does not name {digest} after it was stored so")
    except (TagTaken, RepositoryMissing):
        raise
    except SlipwayError as error:
        raise CopyFailed(source, target, error) from error
    return digest


def digest_there(reference: str) -> str | None:
    """The digest of `repository:tag`, None where there is no such image; raises `RegistryFailed`."""
    name, _, tag = reference.rpartition(":")
    return RepositoryClient(Repository.of(name)).digest(tag)


@dataclass
class _Copy:
    """One image on its way. `mount`: the source, where both are in one registry, which then copies by itself."""

    source: RepositoryClient
    target: RepositoryClient
    mount: Repository | None
    tell: Tell
    manifests: set[str] = field(default_factory=set)
    blobs: set[str] = field(default_factory=set)

    def tree(self, manifest: Manifest, depth: int) -> None:
        """Copy what a manifest stands on, then itself, then what refers to it."""
        if manifest.digest in self.manifests:
            return
        if depth > _DEPTH_MOST or len(self.manifests) >= _MANIFESTS_MOST:
            problem = f"has more than {_DEPTH_MOST} manifests below one another, or {_MANIFESTS_MOST} in all"
            raise RegistryFailed(str(self.source.repository), f"image {manifest.digest} {problem}")
        self.manifests.add(manifest.digest)
        listed, where = manifest.value, self.source.repository
        if manifest.media_type in INDEXES:
            for child in descriptors(listed.get("manifests"), where):
                self.tree(self.source.manifest(child.digest), depth + 1)
        elif manifest.media_type in IMAGES:
            for blob in descriptors([listed.get("config"), *(listed.get("layers") or [])], where):
                if not blob.elsewhere:
                    self._blob(blob)
        else:
            known = "an image or a list of images"
            raise RegistryFailed(str(where), f"{manifest.digest} is {manifest.media_type[:99]!r}, not {known}")
        listed_there = self.target.put(manifest, manifest.digest)
        if "subject" in listed and not listed_there:
            self._list(manifest)
        for referrer in self.source.referrers(manifest.digest):
            try:
                found = self.source.manifest(referrer.digest)
            except ImageMissing:  # an index under a tag goes on naming what was deleted
                continue
            self.tree(found, depth + 1)

    def _blob(self, blob: Descriptor) -> None:
        if blob.digest in self.blobs:
            return
        for attempt in range(1, _BLOB_TRIES + 1):
            try:
                self._transfer(blob)
                break
            except RepositoryMissing:
                raise
            except RegistryFailed:
                if attempt == _BLOB_TRIES:
                    raise
        self.blobs.add(blob.digest)

    def _transfer(self, blob: Descriptor) -> None:
        if self.target.has(blob):
            return
        location = self.target.upload(blob, self.mount)
        if location is None:
            return
        self.tell(f"copying {blob.digest[:19]}, {blob.size / _MIB:.1f} MiB")
        with self.source.read(blob) as stream:
            self.target.send(location, blob, stream)

    def _list(self, manifest: Manifest) -> None:
        """Name a manifest in the index of what refers to its subject: the target's registry keeps no such list."""
        (subject,) = descriptors([manifest.value["subject"]], self.source.repository)
        tag = fallback_tag(subject.digest)
        entries = []
        if self.target.digest(tag) is not None:
            entries = list(self.target.manifest(tag).value.get("manifests") or [])
        if any(isinstance(entry, dict) and entry.get("digest") == manifest.digest for entry in entries):
            return
        config = manifest.value.get("config") or {}
        entry = {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.data)}
        entry["artifactType"] = manifest.value.get("artifactType") or config.get("mediaType", "")
        if "annotations" in manifest.value:
            entry["annotations"] = manifest.value["annotations"]
        index = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": [*entries, entry]}
        data = json.dumps(index).encode()
        self.target.put(Manifest(INDEXES[0], data, index), tag)

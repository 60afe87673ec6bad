"""Name the image of one platform that an index of several names."""

from slipway.errors.images import ImageMissing
from slipway.registry.client import INDEXES, RepositoryClient, descriptors
from slipway.registry.repository import Repository

_HUB = "docker.io"


def of_platform(image: str, platform: str) -> str:
    """The image for `platform` (`linux/arm64`) of `repository@sha256:...`; what is no index is itself.

    Raises `ImageMissing` for an index without one, `RegistryFailed` where the registry does not answer.
    """
    named, _, digest = image.partition("@")
    repository = named if ":" not in named.rpartition("/")[2] else named.rpartition(":")[0]
    at = Repository.of(_with_host(repository))
    manifest = RepositoryClient(at).manifest(digest)
    if manifest.media_type not in INDEXES:
        return image
    listed = manifest.value.get("manifests")
    for entry, found in zip(listed if isinstance(listed, list) else [], descriptors(listed, at), strict=True):
        wanted = entry.get("platform")
        if isinstance(wanted, dict) and f"{wanted.get('os')}/{wanted.get('architecture')}" == platform:
            return f"{repository}@{found.digest}"
    raise ImageMissing(repository, f"has no image for {platform} in {digest}")


def _with_host(repository: str) -> str:
    """A name as Docker reads it: what begins with no host is Docker Hub's, and its own images have a folder there."""
    first, _, rest = repository.partition("/")
    if rest and (first == "localhost" or "." in first or ":" in first):
        return repository
    return f"{_HUB}/{repository if rest else f'library/{repository}'}"

"""Read a layer of an artifact in a registry, with the credentials that Docker's own command would take."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from slipway.errors.base import FileRefused
from slipway.errors.images import ImageMissing, RegistryFailed
from slipway.reading.files import BadFile
from slipway.registry.client import INDEXES, Descriptor, RepositoryClient, descriptors
from slipway.registry.connection import Connection
from slipway.registry.credentials import login_of
from slipway.registry.repository import Repository
from slipway.sources.address import OciAddress
from slipway.sources.refusals import ALLOWED
from slipway.sources.transfer import Limits, Opened
from slipway.sources.web import Nothing, Web, opened_at, redirected

_TITLE = "org.opencontainers.image.title"
_ONE_LAYER = "an artifact with one layer, or with the title of one written after #"


@dataclass(frozen=True, slots=True)
class OciFile:
    """A layer, as an `Origin`. What tells it from a later one under the same tag is its digest."""

    address: OciAddress
    limits: Limits

    @contextmanager
    def open(self, offset: int, version: str | None) -> Iterator[Opened]:
        """See `Origin`."""
        repository = Repository(self.address.host, self.address.repository)
        todo = f"docker login {repository.host}, as one who may pull {repository.path}"
        with _words(todo):
            layer = _layer(self.address, RepositoryClient(repository))
            start = offset if version == layer.digest and offset < layer.size else 0
            headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
            link = Connection(repository, "pull", login_of(repository.host))
            how: dict[str, Any] = {"headers": headers, "stream": True, "allow_redirects": False}
            answer = link.ask("GET", f"blobs/{layer.digest}", **how)
            if not answer.ok:
                raise link.refused(answer, f"blob {layer.digest}")
        with closing(answer):
            if not answer.is_redirect:
                yield opened_at(answer, layer.size, layer.digest)
                return
        # The registry's store, such as a content delivery network: it is shown nothing of the registry's.
        with Web(self.limits, todo, Nothing()).get(redirected(answer), headers) as stored:
            yield opened_at(stored, layer.size, layer.digest)


def _layer(address: OciAddress, client: RepositoryClient) -> Descriptor:
    """The layer that an address means."""
    manifest = client.manifest(address.reference)
    if manifest.media_type in INDEXES:
        todo = "write the digest of one manifest: oci://HOST/REPOSITORY@sha256:..."
        raise BadFile("is an index of several artifacts", _ONE_LAYER, todo)
    written = manifest.value.get("layers")
    layers = descriptors(written, client.repository)
    titles = [_title(layer) for layer in written] if isinstance(written, list) else []
    if address.file is None:
        if len(layers) == 1:
            return layers[0]
        known = ", ".join(title for title in titles if title) or "none has a title"
        raise BadFile(f"has {len(layers)} layers: {known}", _ONE_LAYER, "write the title of one after #")
    if titles.count(address.file) != 1:
        known = ", ".join(title for title in titles if title) or "none has a title"
        raise BadFile(f"has no layer with the title {address.file}", known, "write one of those after #")
    return layers[titles.index(address.file)]


def _title(layer: Any) -> str:
    annotations = layer.get("annotations")
    return str(annotations.get(_TITLE, "")) if isinstance(annotations, dict) else ""


@contextmanager
def _words(todo: str) -> Iterator[None]:
    """What the registry's client raises, as the refusal of a source."""
    try:
        yield
    except ImageMissing as error:
        raise BadFile(f"is not there: {_reason(error)}", ALLOWED, "correct the address") from None
    except RegistryFailed as error:
        raise BadFile(f"cannot be had: {_reason(error)}", ALLOWED, todo) from None
    except FileRefused as error:
        raise BadFile(f"needs credentials: {error.problem}", error.allowed, error.todo) from None


def _reason(error: RegistryFailed) -> str:
    """What the client says, without what it says to do, and without the words of the library below it."""
    return str(error).partition("; next:")[0].partition(": HTTP")[0]

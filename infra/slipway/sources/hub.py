"""Read a file of a model on the Hugging Face hub or a mirror of it, or from the hub's cache on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from slipway.reading.files import BadFile, open_regular
from slipway.sources.address import HubAddress
from slipway.sources.refusals import ALLOWED
from slipway.sources.transfer import Limits, Opened
from slipway.sources.web import Bearer, Web, WebFile, endpoint

_HUB = "https://huggingface.co"
_BLOCK = 2**20
_COMMIT_LIMIT = 64
_TRUE = {"1", "ON", "YES", "TRUE"}
_TODO = "set HF_TOKEN to a token that may read it (or run `hf auth login`), and accept the model's terms on its page"


def hub_file(address: HubAddress, limits: Limits) -> "WebFile | CachedHubFile":
    """The file, as an `Origin`: from the hub's own cache where it is there, else from HF_ENDPOINT.

    Raises:
        BadFile: it is not in the cache and HF_HUB_OFFLINE is set, or the mirror would get a token in clear.
    """
    cached = _in_hub_cache(address)
    if cached is not None:
        return CachedHubFile(cached)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE:
        todo = (
            f"download it (`hf download {address.organisation}/{address.name} {address.file}`), or unset HF_HUB_OFFLINE"
        )
        raise BadFile(f"is not in {_hub_cache()}, and HF_HUB_OFFLINE is set", ALLOWED, todo)
    token = _token()
    base = endpoint("HF_ENDPOINT", os.environ.get("HF_ENDPOINT") or _HUB, credential=token is not None)
    parts = (address.organisation, address.name, "resolve", address.revision, *address.file.split("/"))
    path = "/".join(quote(part, safe="") for part in parts)
    return WebFile(Web(limits, _TODO, Bearer(token) if token else None), f"{base}/{path}")


@dataclass(frozen=True, slots=True)
class CachedHubFile:
    """A file of the hub's cache, as an `Origin`."""

    path: Path

    @contextmanager
    def open(self, offset: int, _: str | None) -> Iterator[Opened]:
        """See `Origin`."""
        with open_regular(self.path, "a file of the Hugging Face cache") as stream:
            size = self.path.stat().st_size
            start = offset if offset <= size else 0
            stream.seek(start)
            yield Opened(start, size, None, iter(lambda: stream.read(_BLOCK), b""))


def _home() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("HF_HOME") or Path(base) / "huggingface").expanduser()


def _hub_cache() -> Path:
    return Path(os.environ.get("HF_HUB_CACHE") or _home() / "hub").expanduser()


def _in_hub_cache(address: HubAddress) -> Path | None:
    """The file in the layout of the hub's cache: snapshots by commit, and branches and tags as files with a commit."""
    model = _hub_cache() / f"models--{address.organisation}--{address.name}"
    try:
        commit = (model / "refs" / address.revision).read_text()[:_COMMIT_LIMIT].strip()
    except (OSError, UnicodeDecodeError):
        commit = address.revision
    path = model / "snapshots" / commit / address.file
    # A link of a snapshot leads to a blob of the same model, and to nothing else.
    return path.resolve() if path.is_file() and path.resolve().is_relative_to(model.resolve()) else None


def _token() -> str | None:
    """The token as the hub's own tools find it."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if token := os.environ.get(name, "").strip():
            return token
    file = Path(os.environ.get("HF_TOKEN_PATH") or _home() / "token").expanduser()
    try:
        return file.read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None

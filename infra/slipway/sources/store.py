"""Have files by their addresses: out of this machine's cache, else fetched into it and digested on the way."""

from collections.abc import Callable
from pathlib import Path

from slipway.errors.full_disk import disk_errors
from slipway.sources.address import Address, HttpsAddress, HubAddress, MlflowAddress, S3Address
from slipway.sources.cache import Cache
from slipway.sources.refusals import NotCached, WrongDigest
from slipway.sources.transfer import Limits, Origin, transfer

Tell = Callable[[str, str], None]
"""Is told what an address waits for, or how far it is."""
_TODO = "name the host and who may read it in ~/.netrc (machine HOST login USER password SECRET), or ask for the right"


def silent(address: str, text: str) -> None:
    """Tell nobody."""


class Store:
    """The weights that are in no repository, as this machine has them or can get them."""

    def __init__(
        self,
        cache: Cache | None = None,
        tell: Tell = silent,
        limits: Limits | None = None,
        *,
        offline: bool = False,
    ) -> None:
        """Open the store.

        Args:
            cache: where files are kept; that of the user for None.
            tell: see `Tell`.
            limits: what is waited for, and how long.
            offline: whether nothing may be fetched.
        """
        self._cache = cache or Cache.of_user()
        self._tell = tell
        self._limits = limits or Limits()
        self._offline = offline

    @property
    def root(self) -> Path:
        """The folder that all files of the store are below."""
        return self._cache.folder

    @property
    def cache(self) -> Cache:
        """Where the files are kept."""
        return self._cache

    @property
    def offline(self) -> bool:
        """Whether nothing may be fetched."""
        return self._offline

    def bring(self, address: Address, sha256: str, most: int | None = None) -> Path:
        """The file at an address, whose digest is known; `most`: see `transfer`.

        Raises:
            WrongDigest: another file is there.
            BadFile: it cannot be had; see `transfer`, `Cache.part`, and `NotCached`.
            NoSpace: the disk has no room for it.
        """
        found = self._cache.find(sha256)
        if found is not None:
            return found
        if self._offline:
            raise NotCached(str(self.root))
        path, digest, size = self._fetch(address, sha256, most)
        if digest != sha256:
            raise WrongDigest(sha256, digest, size)
        return path

    def look_up(self, address: Address) -> tuple[str, int]:
        """The sha256 and the bytes of the file that is at an address now; it is kept. Raises as `bring`."""
        if self._offline:
            raise NotCached(str(self.root))
        _, digest, size = self._fetch(address, None, None)
        return digest, size

    def _fetch(self, address: Address, sha256: str | None, most: int | None) -> tuple[Path, str, int]:
        name = str(address)
        with (
            disk_errors("weights cannot be fetched", f"{self.root} (XDG_CACHE_HOME names another folder)"),
            self._cache.part(name) as part,
        ):
            if sha256 is not None and (found := self._cache.find(sha256)) is not None:
                return found, sha256, found.stat().st_size  # another process fetched it meanwhile
            origin = _origin(address, self._limits)
            while True:
                transfer(origin, part, self._limits, lambda text: self._tell(name, text), most)
                if sha256 in (None, part.sha256) or not part.continued:
                    break
                # What an earlier run left was of another file, which a source without ETags does not tell.
                part.restart()
            digest, size = part.sha256, part.size
            return self._cache.keep(part), digest, size


def _origin(address: Address, limits: Limits) -> Origin:
    """The file at its source. Clients are imported here: most commands find all weights in the cache."""
    if isinstance(address, HttpsAddress):
        from slipway.sources.web import Web, WebFile  # noqa: PLC0415

        return WebFile(Web(limits, _TODO), address.url)
    if isinstance(address, S3Address):
        from slipway.sources.s3 import S3File  # noqa: PLC0415

        return S3File(address, limits)
    if isinstance(address, HubAddress):
        from slipway.sources.hub import hub_file  # noqa: PLC0415

        return hub_file(address, limits)
    if isinstance(address, MlflowAddress):
        from slipway.sources.mlflow import MlflowFile  # noqa: PLC0415

        return MlflowFile(address, limits)
    from slipway.sources.oci import OciFile  # noqa: PLC0415

    return OciFile(address, limits)

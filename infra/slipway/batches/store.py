"""Keep what travels to and from a batch in the model store, and sign the addresses by which its pods reach it."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.batches.errors import StoreFailed
from slipway.delivery.client import connected, in_words
from slipway.environments.planning.model_store import ModelStore

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LIFE = timedelta(days=1)
"""How long signed addresses hold, and a Job runs at most."""
_PART = 8 * 2**20
_AT_ONCE = 4


class Stored(NamedTuple):
    """An object: its bytes, and the tag that another content would not have."""

    size: int
    tag: str


class BatchStore:
    """The model store of an environment, as who uploads to it sees it. Each method raises `StoreFailed`."""

    def __init__(self, store: ModelStore) -> None:
        self.store = store
        self._client = connected(store)

    def head(self, key: str) -> Stored | None:
        """Return what is at a key; None for nothing."""
        import obstore  # noqa: PLC0415 - only those who run a batch wait for it

        with self._words(f"object {key} cannot be looked at"):
            try:
                found = obstore.head(self._client, key)
            except FileNotFoundError:
                return None
        return Stored(found["size"], found["e_tag"] or "")

    def upload(self, path: Path, key: str, tell: Callable[[int], None]) -> None:
        """Make an object of a file, visible once it is whole. `tell` gets the bytes that were read so far."""
        import obstore  # noqa: PLC0415

        with self._words(f"{path} was not uploaded"), path.open("rb") as file:
            if path.stat().st_size <= _PART:
                obstore.put(self._client, key, file.read(), use_multipart=False)
            else:
                part = max(_PART, -(-path.stat().st_size // (9000 * 2**20)) * 2**20)
                obstore.put(self._client, key, _read(file, part, tell), chunk_size=part, max_concurrency=_AT_ONCE)

    def put_new(self, key: str, data: bytes) -> bool:
        """Make an object unless there is one; whether it was made."""
        import obstore  # noqa: PLC0415
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        with self._words(f"object {key} was not written"):
            try:
                obstore.put(self._client, key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def get(self, key: str) -> bytes:
        """Return a small object."""
        import obstore  # noqa: PLC0415

        with self._words(f"object {key} cannot be read"):
            return bytes(obstore.get(self._client, key).bytes())

    def download(self, key: str, path: Path) -> None:
        """Have an object as a file, which gets its name once it is whole."""
        import obstore  # noqa: PLC0415

        half = path.with_name(f"{path.name}.half")
        with self._words(f"object {key} cannot be read"), half.open("wb") as file:
            for block in obstore.get(self._client, key).stream(min_chunk_size=2**20):
                file.write(bytes(block))
        half.replace(path)

    def reader(self, key: str) -> io.BufferedReader:
        """Return an object as a file that is read where it is asked, and not as a whole."""
        import obstore  # noqa: PLC0415

        with self._words(f"object {key} cannot be read"):
            return io.BufferedReader(_Ranges(obstore.open_reader(self._client, key)), 2**16)

    def names(self, folder: str) -> set[str]:
        """Return the names of the objects right below a folder."""
        import obstore  # noqa: PLC0415

        with self._words(f"objects below {folder} cannot be listed"):
            return {
                one["path"].removeprefix(f"{folder}/") for some in obstore.list(self._client, folder) for one in some
            }

    def delete(self, folder: str) -> None:
        """Delete everything below a folder."""
        import obstore  # noqa: PLC0415

        with self._words(f"objects below {folder} cannot be deleted"):
            for some in obstore.list(self._client, folder):
                obstore.delete(self._client, [one["path"] for one in some])

    def signed(self, method: Any, keys: Sequence[str]) -> Sequence[str]:
        """Return an address of each object for one way of calling it, which holds for `LIFE`."""
        import obstore  # noqa: PLC0415

        with self._words("addresses cannot be signed"):
            return list(obstore.sign(self._client, method, list(keys), LIFE))

    @contextmanager
    def _words(self, what: str) -> Iterator[None]:
        with in_words(self.store, partial(StoreFailed, what, self.store)):
            yield


class _Ranges(io.RawIOBase):
    """What the library reads of an object, as a file of Python's own."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        data = bytes(self._reader.read(len(view)))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())


def _read(file: io.BufferedReader, part: int, tell: Callable[[int], None]) -> Iterator[bytes]:
    read = 0
    while block := file.read(part):
        read += len(block)
        tell(read)
        yield block

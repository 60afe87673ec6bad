"""Keep entries of the history: added one by one, never changed, never deleted, read from the newest on.

Each is an object of its own, `slipway-history/ENV/MODEL/ID.json`, made only where there is none: two runs at once lose
nothing, and a store that refuses to overwrite or delete (S3 Object Lock) suits it.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slipway.errors.full_disk import told
from slipway.history.backend import Backend
from slipway.history.entry import Entry, Id
from slipway.history.errors import HistoryUnread, HistoryUnwritten

ENTRY_LIMIT = 8 * 2**20
"""Bytes; a release is at most a ConfigMap's 1 MiB."""
_ENDING = ".json"
_ID = TypeAdapter(Id)
_RIGHTS = "check that your credentials may {} there"
_ROOM = "free space there (`df -h` shows what is full)"
_ANSWERS = "check that it answers, and that your credentials are for it"
FOREIGN = (
    "find out who wrote it; Slipway itself never changes an entry. A bucket with versions still has the one before"
)


class Store:
    """The entries of all environments of one backend.

    Every method that reads raises `HistoryUnread`, with the file's name where it is about one.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def write(self, entry: Entry, *, known: bool = False) -> None:
        """Add an entry; raises `HistoryUnwritten`. `known`: it may be there already, and is left as it is then."""
        import obstore  # noqa: PLC0415 - not for `--help`
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        key = self._key(entry.environment, entry.model, f"{entry.id}{_ENDING}")
        text = entry.model_dump_json(by_alias=True, exclude_none=True)
        try:
            obstore.put(self._backend.store, key, text.encode(), mode="create")
        except AlreadyExistsError as error:
            if not known:
                raise HistoryUnwritten(self.place(key), "it is there already", "run the command again") from error
        except failures() as error:
            raise HistoryUnwritten(self.place(key), *said(error, "write")) from error

    def ids(self, environment: str, model: str) -> list[str]:
        """The entries of a model, the newest first; what has no name of an entry is none."""
        folder = self._key(environment, model, "")
        try:
            found = [item["path"] for page in self._backend.store.list(folder) for item in page]
        except failures() as error:
            raise HistoryUnread(self.place(folder), *said(error, "list objects")) from error
        names = (path.rpartition("/")[2] for path in found)
        return sorted((id_ for name in names if (id_ := _id_of(name)) is not None), reverse=True)

    def models(self, environment: str) -> list[str]:
        """The models of an environment that have entries, sorted."""
        folder = self._key(environment, "", "").rstrip("/") + "/"
        try:
            found = self._backend.store.list_with_delimiter(folder)["common_prefixes"]
        except failures() as error:
            raise HistoryUnread(self.place(folder), *said(error, "list objects")) from error
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def read(self, environment: str, model: str, id_: str) -> Entry:
        """One entry, checked to be what its name says."""
        import obstore  # noqa: PLC0415 - as above

        key = self._key(environment, model, f"{id_}{_ENDING}")
        try:
            found = obstore.get(self._backend.store, key)
            size = found.meta["size"]
            data = bytes(found.bytes()) if size <= ENTRY_LIMIT else b""
        except failures() as error:
            raise HistoryUnread(self.place(key), *said(error, "read")) from error
        if size > ENTRY_LIMIT:
            raise HistoryUnread(self.place(key), f"it has {size} bytes, more than any entry", FOREIGN)
        try:
            entry = Entry.model_validate_json(data)
        except ValidationError as error:
            raise HistoryUnread(self.place(key), f"it is no entry: {first_problem(error)}", FOREIGN) from error
        if (entry.environment, entry.model, entry.id) != (environment, model, id_):
            raise HistoryUnread(self.place(key), "it is an entry of another model, or of another name", FOREIGN)
        return entry

    def entries(self, environment: str, model: str) -> Iterator[Entry]:
        """The entries of a model, the newest first; each is read when it is asked for."""
        for id_ in self.ids(environment, model):
            yield self.read(environment, model, id_)

    def file(self, environment: str, model: str, id_: str) -> str:
        """What the file of an entry is called in messages."""
        return self.place(self._key(environment, model, f"{id_}{_ENDING}"))

    def place(self, key: str) -> str:
        """What an object is called in messages."""
        return self._backend.place(key)

    def _key(self, *parts: str) -> str:
        return "/".join((self._backend.prefix, *parts)).lstrip("/")


@lru_cache(maxsize=1)
def failures() -> tuple[type[BaseException], ...]:
    """What a store raises: of its library, and of the system where it is a folder."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - as above

    return (BaseError, OSError, ValueError)


def said(error: BaseException, action: str) -> tuple[str, str]:
    """The reason, in one line, and what to do about it."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError  # noqa: PLC0415 - as above

    whole = str(error)
    text = whole.partition("\n")[0].strip()[:400]
    if told(whole):
        return "no space left on device", _ROOM
    if isinstance(error, PermissionError | PermissionDeniedError | UnauthenticatedError) or "denied" in whole:
        return text, _RIGHTS.format(action)
    return text, _ANSWERS


def _id_of(name: str) -> str | None:
    try:
        return _ID.validate_python(name.removesuffix(_ENDING)) if name.endswith(_ENDING) else None
    except ValidationError:
        return None


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong with a file, in one line, without its values."""
    found: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, found["loc"]))
    return f"`{where}`: {found['msg']}" if where else str(found["msg"])

"""Keep the audit trail of an environment: numbered records, each of which holds the hash of the one before.

They are objects beside the history, `slipway-audit/ENV/NUMBER.json`. The next number is made only where there is none:
of two runs at once one gets it, the other the number after. An entry's record is written before the entry, and
holds all of it: what a killed run did not get to write is written by the next one.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pydantic import ValidationError

from slipway.history.backend import Backend
from slipway.history.entry import Entry
from slipway.history.errors import HistoryUnread, HistoryUnwritten
from slipway.history.record import FIRST, Event, Record, hash_of
from slipway.history.store import ENTRY_LIMIT, FOREIGN, Store, failures, first_problem, said

FOLDER = "slipway-audit"
RECORD_LIMIT = 2 * ENTRY_LIMIT
"""Bytes; the names that a record takes in may be as many as an entry is long."""
_ENDING = ".json"
_DIGITS = 10
_TRIES = 300
"""Each one that fails is a record that another run added meanwhile."""
AT_ONCE = 8
Raw = tuple[int, bytes | HistoryUnread]


@dataclass(frozen=True)
class _Head:
    """The last record: its number, its hash, the last record about settings up to it, and its entry,
    where that may not be in the history yet."""

    number: int
    hash: str
    settings: int | None
    entry: Entry | None


class Trail:
    """The trail of one environment; safe from several threads. Every method that reads raises `HistoryUnread`."""

    def __init__(self, backend: Backend, store: Store, environment: str, begin: Callable[[int], Event]) -> None:
        """`backend`: opened in `FOLDER`. `begin`: the first event, given how many entries are older than the trail."""
        self._backend = backend
        self._store = store
        self._environment = environment
        self._begin = begin
        self._lock = threading.Lock()
        self._head: _Head | None = None

    def add_entry(self, entry: Entry) -> Record:
        """Add an entry's record, then the entry to the history; raises `HistoryUnwritten`."""
        with self._lock:
            record = self._appended(entry, None, ())
            self._store.write(entry, known=True)
            if self._head is not None:
                self._head = replace(self._head, entry=None)
            return record

    def add_event(self, event: Event, taken_in: Sequence[str] = ()) -> Record:
        """Add an event's record; raises `HistoryUnwritten`. `taken_in`: see `Record`."""
        with self._lock:
            return self._appended(None, event, taken_in)

    def last_settings(self) -> Event | None:
        """The last event about settings; None where there is none that can be read."""
        with self._lock:
            head = self._found()
        if head is None or head.settings is None:
            return None
        try:
            return parsed(self.read(head.settings), self.file(head.settings)).event
        except HistoryUnread:
            return None  # `--verify` names it; the next record about settings begins anew

    def numbers(self) -> list[int]:
        """The numbers that records have, sorted; other files there are none."""
        folder = self._key("")
        try:
            found = [item["path"] for page in self._backend.store.list(folder) for item in page]
        except failures() as error:
            raise HistoryUnread(self._backend.place(folder), *said(error, "list objects")) from error
        names = (path.rpartition("/")[2] for path in found)
        return sorted(number for name in names if (number := _number(name)) is not None)

    def read(self, number: int) -> bytes:
        """The file of a record."""
        import obstore  # noqa: PLC0415 - not for `--help`

        key = self._key(_name(number))
        try:
            found = obstore.get(self._backend.store, key)
            size = found.meta["size"]
            data = bytes(found.bytes()) if size <= RECORD_LIMIT else b""
        except failures() as error:
            raise HistoryUnread(self._backend.place(key), *said(error, "read")) from error
        if size > RECORD_LIMIT:
            raise HistoryUnread(self._backend.place(key), f"it has {size} bytes, more than any record", FOREIGN)
        return data

    def read_all(self, numbers: Sequence[int]) -> Iterator[Raw]:
        """The files of records, in that order, several read at once; in place of one that cannot be read, why."""

        def one(number: int) -> Raw:
            try:
                return number, self.read(number)
            except HistoryUnread as error:
                return number, error

        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(one, numbers)

    def put(self, number: int, file: bytes) -> bool:
        """Write a record where there is none; returns whether that number is this record now."""
        return self._create(number, file) or self.read(number) == file

    def file(self, number: int) -> str:
        """What the file of a record is called in messages."""
        return self._backend.place(self._key(_name(number)))

    def _appended(self, entry: Entry | None, event: Event | None, taken_in: Sequence[str]) -> Record:
        try:
            return self._append(entry, event, taken_in)
        except HistoryUnread as error:
            todo = "the same: nothing can be added where the end of the trail cannot be read"
            raise HistoryUnwritten(self._backend.place(self._key("")), str(error), todo) from error

    def _append(self, entry: Entry | None, event: Event | None, taken_in: Sequence[str]) -> Record:
        for _ in range(_TRIES):
            head = self._found()
            if head is None:
                self._begun()
                continue
            # A run that was killed may have added the record and not the entry.
            if head.entry is not None:
                self._store.write(head.entry, known=True)
            record = Record(
                number=head.number + 1,
                previous=head.hash,
                settings=head.settings,
                taken_in=tuple(taken_in),
                entry=entry,
                event=event,
            )
            file = record.file()
            # An answer that was lost on its way looks like another run's record: until one looks into it.
            if self.put(record.number, file):
                self._head = _head(record.number, file)
                return record
            self._head = _head(record.number, self.read(record.number))
        reason = f"other runs took the next number {_TRIES} times in a row"
        raise HistoryUnwritten(self.file(1), reason, "run the command again when fewer runs go on")

    def _begun(self) -> None:
        """Begin the trail, with the names of the entries that are older."""
        older = [f"{model}/{id_}" for model in self._store.models(self._environment) for id_ in self._ids(model)]
        first = Record(number=1, previous=FIRST, taken_in=tuple(older), event=self._begin(len(older)))
        self._create(1, first.file())

    def _ids(self, model: str) -> list[str]:
        return self._store.ids(self._environment, model)

    def _found(self) -> _Head | None:
        """The last record that is known of; None where there is none at all."""
        if self._head is None:
            numbers = self.numbers()
            self._head = _head(numbers[-1], self.read(numbers[-1])) if numbers else None
        return self._head

    def _create(self, number: int, file: bytes) -> bool:
        """Write a record; returns whether there was none. Raises `HistoryUnwritten`."""
        import obstore  # noqa: PLC0415 - as above
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        key = self._key(_name(number))
        try:
            obstore.put(self._backend.store, key, file, mode="create")
        except AlreadyExistsError:
            return False
        except failures() as error:
            raise HistoryUnwritten(self._backend.place(key), *said(error, "write")) from error
        return True

    def _key(self, name: str) -> str:
        return "/".join((self._backend.prefix, self._environment, name)).lstrip("/")


def parsed(file: bytes, place: str) -> Record:
    """A record from its file; raises `HistoryUnread`."""
    try:
        return Record.model_validate_json(file)
    except ValidationError as error:
        raise HistoryUnread(place, f"it is no record: {first_problem(error)}", FOREIGN) from error


def _head(number: int, file: bytes) -> _Head:
    """A record as the last one. One that was damaged counts with its bytes: `--verify` names it."""
    try:
        record = Record.model_validate_json(file)
    except ValidationError:
        return _Head(number, hash_of(file), None, None)
    about = record.event is not None and record.event.action == "settings"
    return _Head(number, hash_of(file), number if about else record.settings, record.entry)


def _name(number: int) -> str:
    return f"{number:0{_DIGITS}}{_ENDING}"


def _number(name: str) -> int | None:
    digits = name.removesuffix(_ENDING)
    whole = name.endswith(_ENDING) and len(digits) == _DIGITS and digits.isascii() and digits.isdigit()
    return int(digits) or None if whole else None

"""Verify an audit trail: read every record and every entry of the history, and name what is not as it was written.

Nothing is believed because it is the newest: whoever may write there can cut off the end, or write all of it anew. A
hash that somebody wrote down elsewhere shows that: no record has it any more.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from slipway.history.entry import Entry
from slipway.history.errors import HistoryUnread
from slipway.history.record import FIRST, canonical, hash_of, name_of
from slipway.history.store import Store
from slipway.history.trail import AT_ONCE, Trail, parsed


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        records: how many there are.
        head: the hash of the last one; empty where there is none.
        taken_in: entries without a record of their own: that they were there is vouched for, not what is in them.
        findings: what is wrong, in the order of the trail.
        expected_at: the number of the record that has the expected hash; None where none has it, or none was expected.
        pending: the last record's entry, where it is not in the history: the run goes on, or was killed. The next run
            writes it.
    """

    records: int
    head: str
    taken_in: int
    findings: tuple[str, ...]
    expected_at: int | None
    pending: str | None


@dataclass
class _Walk:
    """What the records said: by number their hashes and what they hold of the one before, by name the entries."""

    hashes: dict[int, str] = field(default_factory=dict)
    previous: dict[int, str] = field(default_factory=dict)
    entries: dict[str, tuple[int, str]] = field(default_factory=dict)
    taken_in: dict[str, int] = field(default_factory=dict)
    findings: list[tuple[int, str]] = field(default_factory=list)

    def found(self, number: int, text: str) -> None:
        self.findings.append((number, text))


def verify(trail: Trail, store: Store, environment: str, expected: str | None = None) -> Verified:
    """Verify the trail of an environment; raises `HistoryUnread` where it cannot be listed.

    `expected`: the hash of its last record at some time, as an earlier run said it.
    """
    # Entries first: each that is listed has a record by then, also while runs go on.
    names = {f"{model}/{id_}" for model in store.models(environment) for id_ in store.ids(environment, model)}
    numbers = trail.numbers()
    walk = _Walk()
    for number, raw in trail.read_all(numbers):
        _look(walk, trail, environment, number, raw)
    last = numbers[-1] if numbers else 0
    _links(walk, trail, last)
    pending = _entries(walk, store, environment, names, last)
    if numbers:
        for name in sorted(names - set(walk.entries) - set(walk.taken_in)):
            what = "is in no record: it was inserted, or written by a Slipway from before the audit trail"
            walk.found(last, f"{_file(store, environment, name)}: the entry {what}")
    at = next((number for number, one in walk.hashes.items() if one == expected), None)
    if expected is not None and at is None:
        what = "its end was cut off, it was written anew, or an older backup was restored"
        walk.found(last, f"no record of the trail has the expected hash {expected}: {what}")
    findings = tuple(text for _, text in sorted(walk.findings, key=lambda one: one[0]))
    return Verified(
        len(numbers), walk.hashes.get(last, ""), len(walk.taken_in if numbers else names), findings, at, pending
    )


def _look(walk: _Walk, trail: Trail, environment: str, number: int, raw: bytes | HistoryUnread) -> None:
    """Take in what one record says."""
    place = trail.file(number)
    try:
        if isinstance(raw, HistoryUnread):
            raise raw
        walk.hashes[number] = hash_of(raw)
        record = parsed(raw, place)
    except HistoryUnread as error:
        walk.found(number, str(error))
        return
    walk.previous[number] = record.previous
    if record.number != number:
        walk.found(number, f"{place}: record {number} says that it is record {record.number}: it was moved or changed")
    if record.what.environment != environment:
        walk.found(number, f"{place}: record {number} is of environment {record.what.environment}")
    walk.taken_in |= dict.fromkeys(record.taken_in, number)
    if record.entry is not None:
        if (name := name_of(record.entry)) in walk.entries:
            walk.found(number, f"{place}: record {number} holds the entry of record {walk.entries[name][0]} again")
        walk.entries[name] = (number, _content(record.entry))


def _links(walk: _Walk, trail: Trail, last: int) -> None:
    """Hold what each record says of the one before it against that one."""
    hashes = {0: FIRST, **walk.hashes}
    broken = {number for number, previous in walk.previous.items() if hashes.get(number - 1, previous) != previous}
    for number in range(1, last + 1):
        if number not in walk.hashes and number not in {at for at, _ in walk.findings}:
            walk.found(number, f"{trail.file(number)}: record {number} was removed")
        if number not in broken:
            continue
        if number == 1:
            walk.found(1, f"{trail.file(1)}: record 1 was changed: there is none before it")
            continue
        # Where what comes after vouches for this one, it does so for what this one says.
        vouched = number < last and number + 1 not in broken and number + 1 in walk.previous
        which = f"record {number - 1} was" if vouched else f"record {number - 1} or record {number} was"
        walk.found(number - 1, f"{trail.file(number - 1)}: {which} changed: {number} has another hash of {number - 1}")


def _entries(walk: _Walk, store: Store, environment: str, there: set[str], last: int) -> str | None:
    """Hold the entries of the history against the records; returns the one that is not written yet."""
    vouched = {name: (number, "") for name, number in walk.taken_in.items()} | walk.entries
    pending = next((name for name, (at, _) in walk.entries.items() if at == last and name not in there), None)

    def differs(name: str) -> str | None:
        model, _, id_ = name.partition("/")
        number, content = vouched[name]
        try:
            found = _content(store.read(environment, model, id_))
        except HistoryUnread as error:
            return None if name == pending else f"record {number} has an entry that is not there as it was: {error}"
        changed = f"{_file(store, environment, name)}: the entry was changed: record {number} has another"
        return changed if content not in ("", found) else None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, text in zip(vouched, pool.map(differs, vouched), strict=True):
            if text is not None:
                walk.found(vouched[name][0], text)
    return pending


def _content(entry: Entry) -> str:
    # Keys in order: an entry's file has its steps as they were taken, its record does not.
    return hash_of(canonical(entry))


def _file(store: Store, environment: str, name: str) -> str:
    model, _, id_ = name.partition("/")
    return store.file(environment, model, id_)

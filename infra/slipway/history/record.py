"""Describe one record of the audit trail: an entry of the history, or another event, and the hash of the record before.

A record's hash is the SHA-256 of its file, which is canonical JSON: `sha256sum` says the same.
"""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from slipway.history.entry import LINES, Commit, Digest, Entry, Id, Part, Short, Text, Who

FIRST = "0" * 64
"""What the first record holds in place of a hash."""

EventAction = Literal[
    "begin",
    "settings",
    "up",
    "down",
    "rotate",
    "backup",
    "restore",
    "key create",
    "key rotate",
    "key revoke",
    "request approve",
    "request refuse",
    "adapt",
    "device add",
    "device retire",
    "device revoke",
    "ring approve",
    "fleet key introduce",
    "fleet key retire",
    "erase",
    "export",
]
Outcome = Literal["done", "failed", "interrupted"]
_NAMES = 100_000
"""Entries that one record takes in; each name is at most some 100 bytes long."""
Name = Annotated[str, StringConstraints(pattern=r"^[^/]{1,64}/[0-9]{8}T[0-9]{12}Z-[0-9a-f]{8}$")]
"""Of an entry: MODEL/ID."""


class Event(Part):
    """Something that was done to an environment and is no entry of a model.

    Nothing of a client's calls is in it, and no secret: of a key its id and the name that was written for it, of
    settings which fields changed.

    Attributes:
        id: tells it from all others; sorts by time.
        time: when it ended, in UTC, by the clock of the machine that it was done on.
        environment: its name.
        action: what was done, as the command is called. `begin`: the trail began. `settings`: an `up` or `rotate` met
            settings that are not those of the one before.
        subject: what it was done to; empty for the environment itself.
        outcome: how it ended; `interrupted` where somebody stopped it.
        reason: why it failed.
        details: what else is worth knowing, a line each; the first 200.
        fields: of `settings`, a digest of each field, by its path: the next one is compared with it.
        who: whoever ran the command.
        commit: that the files were of; None outside of a repository.
        slipway: version that wrote it.
    """

    id: Id
    time: AwareDatetime
    environment: Short
    action: EventAction
    subject: Annotated[str, StringConstraints(max_length=253)] = ""
    outcome: Outcome
    reason: Text = ""
    details: Annotated[tuple[Text, ...], Field(max_length=LINES, strict=False)] = ()
    fields: dict[str, str] | None = None
    who: Who
    commit: Commit | None = None
    slipway: Short


class Record(Part):
    """One record.

    Attributes:
        schema_: version of this description, `schema` in the file.
        number: its place in the trail of its environment, from 1 on; its file is called so.
        previous: the hash of the record before; `FIRST` in the first.
        settings: the number of the last record about settings before this one; None where there is none.
        taken_in: entries of the history, as MODEL/ID, that have no record of their own and that this one vouches for:
            those from before the trail, and those that a restore brought.
        entry: the entry of the history, whole.
        event: or else the event.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, populate_by_name=True)

    schema_: Literal[1] = Field(default=1, alias="schema")
    number: Annotated[int, Field(ge=1)]
    previous: Digest
    settings: Annotated[int, Field(ge=1)] | None = None
    taken_in: Annotated[tuple[Name, ...], Field(max_length=_NAMES, strict=False)] = ()
    entry: Entry | None = None
    event: Event | None = None

    @model_validator(mode="after")
    def _has_one(self) -> "Record":
        if (self.entry is None) == (self.event is None):
            raise ValueError("it holds one entry or one event")
        return self

    @property
    def what(self) -> Entry | Event:
        """The entry, or the event."""
        found = self.entry or self.event
        if found is None:
            raise ValueError(self.number)
        return found

    @property
    def subject(self) -> str:
        """What it is about: a model, a key, a pool; empty for the environment itself."""
        return self.entry.model if self.entry is not None else self.event.subject if self.event is not None else ""

    @property
    def outcome(self) -> str:
        """The verdict about an entry's release, or the outcome of an event."""
        return self.entry.verdict if self.entry is not None else self.event.outcome if self.event is not None else ""

    def file(self) -> bytes:
        """As its file has it."""
        return canonical(self)


def canonical(part: Part) -> bytes:
    """JSON without spaces, keys in order, UTF-8."""
    value: Any = json.loads(part.model_dump_json(by_alias=True, exclude_none=True))
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def name_of(entry: Entry) -> str:
    """What an entry is called in records and messages: MODEL/ID."""
    return f"{entry.model}/{entry.id}"


def hash_of(file: bytes) -> str:
    """The hash of a record, from its file."""
    return hashlib.sha256(file).hexdigest()

"""Note in the audit trail of an environment what a command does, and by whom. Nothing fails because a note does."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from slipway_server.values.text import shortened

from slipway.errors.failures import Interrupted
from slipway.history.backend import backend_url, open_backend
from slipway.history.entry import LINES, TEXT, Commit, Who, new_id
from slipway.history.errors import HistoryUnread, HistoryUnwritten, NoHistory
from slipway.history.record import Event, EventAction, Outcome
from slipway.history.store import Store
from slipway.history.surroundings import commit, who
from slipway.history.trail import FOLDER, Trail
from slipway.values.version import version

_DIGEST = 16


class Notes:
    """Writes events of one environment. `folder`: the repository of the files is looked for from there.

    `warn` gets what a person should know: once, that there is no place for a history, and each event that was not
    written.
    """

    def __init__(
        self, environment: str, folder: Path, warn: Callable[[str], None], environ: Mapping[str, str] | None = None
    ) -> None:
        """`environ`: where the backend and a workflow's run are named; None: this process'."""
        self.environment = environment
        self._folder = folder
        self._warn = warn
        self._environ = os.environ if environ is None else environ

    @cached_property
    def who(self) -> Who:
        """Whoever runs this command."""
        return who(self._environ)

    @cached_property
    def commit(self) -> Commit | None:
        """The commit of the files."""
        return commit(self._folder)

    @cached_property
    def store(self) -> Store:
        """Where the entries are; raises `NoHistory`."""
        return Store(open_backend(backend_url(self._environ)))

    @cached_property
    def trail(self) -> Trail:
        """The audit trail; raises `NoHistory`."""
        backend = open_backend(backend_url(self._environ), FOLDER)
        return Trail(backend, self.store, self.environment, self._begin)

    @cached_property
    def silent(self) -> bool:
        """Whether there is no place for a history; said once."""
        try:
            return self.trail is None
        except NoHistory as error:
            self._warn(f"warning: no history is kept: {error}")
            return True

    def event(
        self,
        action: EventAction,
        subject: str = "",
        outcome: Outcome = "done",
        *,
        reason: str = "",
        details: Sequence[str] = (),
        taken_in: Sequence[str] = (),
        fields: dict[str, str] | None = None,
    ) -> None:
        """Note an event; see `Event` and `Record`."""
        if self.silent:
            return
        try:
            self.trail.add_event(self._event(action, subject, outcome, reason, details, fields), taken_in)
        except (HistoryUnread, HistoryUnwritten, ValueError) as error:  # ValueError: what an event cannot hold
            about = f"{action} {subject}".strip()
            self._warn(f"warning: {error}. Nothing is undone by that, but `{about}` is missing from the audit trail")

    @contextmanager
    def during(self, action: EventAction, subject: str = "", details: Sequence[str] = ()) -> Iterator[list[str]]:
        """Note how the block ends; what it adds to the list is noted, too."""
        lines = list(details)
        try:
            yield lines
        except BaseException as error:
            stopped = isinstance(error, Interrupted) or not isinstance(error, Exception)
            reason = " ".join(str(error).split()) or type(error).__name__
            self.event(action, subject, "interrupted" if stopped else "failed", reason=reason, details=lines)
            raise
        self.event(action, subject, details=lines)

    def settings(self, document: Any) -> None:
        """Note that settings are not those that were met last, and which fields differ; never what is in them.

        `document`: the settings file as it was read.
        """
        if self.silent:
            return
        try:
            last = self.trail.last_settings()
        except HistoryUnread:
            last = None  # said when the next event is written
        fields = dict(_digests(document, ""))
        before = last.fields if last is not None else None
        if fields == before:
            return
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        lines = [f"fields as of {digest}"]
        lines += _differences(before, fields) if before is not None else ["seen for the first time"]
        self.event("settings", details=lines, fields=fields)

    def _begin(self, older: int) -> Event:
        return self._event("begin", "", "done", "", [f"{older} entries of the history are from before the trail"], None)

    def _event(
        self,
        action: EventAction,
        subject: str,
        outcome: Outcome,
        reason: str,
        details: Sequence[str],
        fields: dict[str, str] | None,
    ) -> Event:
        now = datetime.now(UTC)
        return Event(
            id=new_id(now),
            time=now,
            environment=self.environment,
            action=action,
            subject=shortened(written(subject), 253),
            outcome=outcome,
            reason=shortened(written(reason), TEXT),
            details=tuple(shortened(written(line), TEXT) for line in details[:LINES]),
            fields=fields,
            who=self.who,
            commit=self.commit,
            slipway=version()[:64],
        )


def written(text: str) -> str:
    """A text without halves of characters, which no file can hold: a terminal may have given some."""
    return text.encode(errors="replace").decode()


def _digests(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The path of each field, and the first 16 digits of its SHA-256."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _digests(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _digests(inner, f"{path}[{index}]")
    else:
        text = json.dumps(value, sort_keys=True, default=str)
        yield path, hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    lines = []
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            what = "added" if path not in before else "removed" if path not in after else "changed"
            lines.append(f"{what}: {path}")
    return lines

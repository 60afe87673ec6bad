"""Note in the history what became of a model. What serves is never failed by an entry that cannot be written."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway_server.values.text import shortened

from slipway.deploy.changes import LISTED_MOST, differences
from slipway.deploy.models import ModelResult
from slipway.deploy.record import Live
from slipway.deploy.record_format import packed
from slipway.deploy.way_in import without_way_in
from slipway.errors.base import SlipwayError
from slipway.errors.failures import Interrupted
from slipway.history.entry import TEXT, Action, Entry, Replaced, Verdict, Who, new_id
from slipway.history.errors import HistoryUnread, HistoryUnwritten, NoHistory
from slipway.history.held_back import HeldBack
from slipway.history.notes import Notes, written
from slipway.history.store import Store
from slipway.plan.release import Origin, Release
from slipway.planner.environment import ModelPlan
from slipway.values.names import short
from slipway.values.version import version

_JUDGED_ON = "it is judged on in the cluster, without the command that began it"
BEGAN = "it was live when the history began"


class Recorder:
    """Writes entries of one environment, from several threads.

    `folder`: the repository of the specs is looked for from there. `warn` gets what a person should know: once, that
    there is no place for a history, and each entry that was not written.
    """

    def __init__(
        self,
        environment: str,
        folder: Path,
        warn: Callable[[str], None],
        environ: Mapping[str, str] | None = None,
        action: Action = "deploy",
        source: str | None = None,
    ) -> None:
        """`action`, `source`: of the entries about deployments, where they are more than an `up`."""
        self.environment = environment
        self.notes = Notes(environment, folder, warn, environ)
        self._warn = warn
        self._action = action
        self._source = source
        self._lock = threading.Lock()

    @property
    def who(self) -> Who:
        """Whoever runs this command."""
        return self.notes.who

    @property
    def store(self) -> Store:
        """Where the entries are; raises `NoHistory`."""
        return self.notes.store

    def deployed(self, model: ModelPlan, done: ModelResult) -> None:
        """Note a deployment, and that what served before was brought back, where it was."""
        if not done.began:
            return
        previous = done.previous
        if previous is not None and self._is_new(model.name):
            self._write(model.name, "deploy", "passed", reason=BEGAN, **_of(previous))
        lines = differences(previous, model) if previous is not None else ()
        mine = _of(done.kept) if done.kept is not None else _named(model.version, model.release_digest, model.origin)
        self._write(
            model.name,
            self._action,
            "interrupted" if done.judged_on else _verdict(done.error),
            reason=_JUDGED_ON if done.judged_on else _said(done.error),
            replaced=_replaced(done.live),
            source=self._source,
            differences=_bounded(lines),
            rollout=done.rollout.model_dump() if done.rollout is not None else None,
            contents=model.contents,
            owner=model.spec.owner,
            **mine,
        )
        if done.brought_back is not None:
            before = Replaced(version=shortened(model.version, 64), release=model.release)
            reason = "the release before it failed"
            self._write(model.name, "restore", "passed", reason=reason, replaced=before, **_of(done.brought_back))

    def rolled_back(
        self,
        done: ModelResult,
        release: Release,
        source: Entry | None,
        reason: str,
        lines: Sequence[str],
        held_back: Sequence[str],
    ) -> None:
        """Note that somebody went back to a release. `source`: the entry that had it; None: its record had it."""
        mine = _of(release) if done.error is None else _named(release.version, release.digest, release.origin)
        self._write(
            release.model,
            "rollback",
            _verdict(done.error),
            reason="; ".join(text for text in (reason, _said(done.error)) if text),
            replaced=_replaced(done.live),
            source=source.id if source is not None else "",
            differences=_bounded(lines),
            held_back=tuple(held_back),
            contents=source.contents if source is not None else None,
            owner=source.owner if source is not None else None,
            **mine,
        )
        if done.brought_back is not None:
            said = "the rollback failed"
            self._write(release.model, "restore", "passed", reason=said, **_of(done.brought_back))

    def restarted(self, release: Release, reason: str, error: SlipwayError | None) -> None:
        """Note that the pods of a release were replaced."""
        text = "; ".join(text for text in (reason, _said(error)) if text)
        self._write(release.model, "restart", _verdict(error), reason=text, **_of(release))

    def removed(self, model: str, live: Live | None, error: SlipwayError | None) -> None:
        """Note that a model was taken down, or was to be."""
        self._write(model, "remove", _verdict(error), reason=_said(error), replaced=_replaced(live))

    def _is_new(self, model: str) -> bool:
        try:
            return not self.store.ids(self.environment, model)
        except (NoHistory, HistoryUnread):
            return False  # said when the entry itself is written

    def _write(self, model: str, action: Action, verdict: Verdict, *, reason: str = "", **fields: Any) -> None:
        with self._lock:
            if self.notes.silent:
                return
            now = datetime.now(UTC)
            try:
                entry = Entry(
                    id=new_id(now),
                    time=now,
                    environment=self.environment,
                    model=model,
                    action=action,
                    verdict=verdict,
                    who=self.who,
                    commit=self.notes.commit,
                    slipway=version()[:64],
                    reason=shortened(written(reason), TEXT),
                    **fields,
                )
                self._add(entry)
            except (HistoryUnwritten, ValueError) as error:  # ValueError: what an entry cannot hold
                self._warn(
                    f"warning: {model}: {error}. The model is not touched by that, but this {action} is missing from "
                    "`slipway history`, and `slipway rollback` cannot go back to it"
                )

    def _add(self, entry: Entry) -> None:
        """Add an entry with its record; alone where that cannot be written: one can go back to it all the same."""
        try:
            self.notes.trail.add_entry(entry)
        except HistoryUnwritten as error:
            self.store.write(entry, known=True)
            self._warn(
                f"warning: {entry.model}: {error}. This {entry.action} is in `slipway history` and in no audit record"
            )


def _of(release: Release) -> dict[str, Any]:
    """What an entry has of a release that was judged right."""
    named = _named(release.version, release.digest, release.origin)
    return named | {"image": release.image, "packed": packed(without_way_in(release))}


def _named(version_: str, digest: str, origin: Origin | None) -> dict[str, Any]:
    return {"version": version_, "release": digest, "origin": asdict(origin) if origin is not None else None}


def _replaced(live: Live | None) -> Replaced | None:
    return None if live is None else Replaced(version=live.version[:64], release=live.release[:64])


def _verdict(error: SlipwayError | None) -> Verdict:
    if error is None:
        return "passed"
    return "interrupted" if isinstance(error, Interrupted) else "failed"


def _said(error: SlipwayError | None) -> str:
    return "" if error is None else " ".join(str(error).split())


def _bounded(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(shortened(line, TEXT) for line in lines[:LISTED_MOST])


def held_back_after(live: Live, gone: Sequence[str], to: str, by: Who, when: datetime, reason: str) -> HeldBack | None:
    """What is held back of a model once it went back from what is live to a release. `gone`, `to`: digests."""
    text = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    taken = [short(digest) for digest in gone]
    return HeldBack.after(live.held_back, live.release, taken, short(to), who=str(by), when=text, reason=reason)

"""Choose the release that a model goes back to: the last one before, or the one that somebody names."""

import re
from collections.abc import Iterable, Iterator, Sequence

from slipway.errors.base import Place, UserError, WrongValue, shown
from slipway.history.entry import Entry
from slipway.values.names import SHORT, short

FIELD = "--to"
_LISTED = 20
_BY_RELEASE = re.compile(r"[0-9a-f]{4,64}")
_MADE = ("deploy", "promote")
"""Actions that bring a model something new; the others bring back, or keep, what it had."""


class NothingBefore(UserError):
    """There is no release to go back to."""

    def __init__(self, environment: str, model: str, reason: str, others: Sequence[str]) -> None:
        allowed = ", ".join(others) if others else "none is kept yet"
        todo = f"name one of those with {FIELD}" if others else f"slipway up {environment} {model} with another spec"
        super().__init__(Place(f"environment {environment}"), model, reason, allowed, todo)


def before(entries: Iterable[Entry], environment: str, model: str, live: str) -> Entry:
    """The last entry before the live release whose release was judged right; raises `NothingBefore`.

    What was rolled back is not gone back to again: after a rollback, `before` is what came before the release that
    serves now.

    Args:
        entries: of the model, the newest first.
        environment: its name.
        model: its name.
        live: short digest of the release that is live.
    """
    seen: list[Entry] = []
    made = False
    for entry in entries:
        if not entry.kept or entry.release is None:
            continue
        seen.append(entry)
        if made and short(entry.release) != live:
            return entry
        made = made or (short(entry.release) == live and entry.action in _MADE)
    others = _listed([entry for entry in seen if short(entry.release or "") != live])
    if made or not any(short(entry.release or "") == live for entry in seen):
        what = "nothing was judged right before it" if made else "it is in no entry of the history"
    else:
        what = "when it came is in no entry of the history"
    raise NothingBefore(environment, model, f"release {live} is live, and {what}", others)


def named(entries: Iterable[Entry], environment: str, model: str, text: str) -> Entry:
    """The kept entry that somebody names: by its identifier, by a version, or by a release or how one begins.

    Raises:
        WrongValue: nothing kept has that name, or several releases have.

    Args:
        entries: of the model, the newest first.
        environment: its name.
        model: its name.
        text: what was written.
    """
    there = list(entries)
    kept = [entry for entry in there if entry.kept]
    found = [entry for entry in kept if _is(entry, text)]
    place, field = Place(f"environment {environment}"), f"{model}: {FIELD}"
    if not found:
        judged = any(_is(entry, text) for entry in there)
        problem = "was never judged right, so that it is not kept" if judged else "is in no entry of the history"
        todo = f"name one of those, or see them all: slipway history {environment} {model}"
        raise WrongValue(place, field, text, problem, ", ".join(_listed(kept)) or "none is kept yet", todo)
    releases = {entry.release for entry in found}
    if len(releases) > 1:
        several = ", ".join(short(entry.release or "") for entry in _distinct(found))
        raise WrongValue(place, field, text, f"is {len(releases)} releases", several, "name one of them by its release")
    return found[0]


def _is(entry: Entry, text: str) -> bool:
    release = entry.release or ""
    return text in (entry.id, entry.version) or bool(_BY_RELEASE.fullmatch(text) and release.startswith(text))


def _distinct(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The newest entry of each release."""
    seen: set[str | None] = set()
    for entry in entries:
        if entry.release not in seen:
            seen.add(entry.release)
            yield entry


def _listed(entries: Iterable[Entry]) -> list[str]:
    """Versions and releases as people name them, the newest first; a few."""
    found = [f"{shown(entry.version)[1:-1]} ({(entry.release or '')[:SHORT]})" for entry in _distinct(entries)]
    more = len(found) - _LISTED
    return [*found[:_LISTED], *([f"and {more} more"] if more > 0 else [])]

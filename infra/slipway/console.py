"""Show people what happens: progress while it does, tables when it is done.

Results go to standard output, progress and messages to standard error, so that a result can be piped.
"""

import json
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from rich import progress
from rich.console import Console
from rich.table import Table

# Names and values of people are shown as they are: `:bug:` in a description is no picture.
out = Console(soft_wrap=True, highlight=False, emoji=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


def message(text: str, style: str | None = None) -> None:
    """Print one line on standard error; markup in it is text."""
    err.print(text, style=style, markup=False)


def result(text: str) -> None:
    """Give one line of a result on standard output; markup in it is text."""
    out.print(text, markup=False)


def document(value: object) -> None:
    """Give one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True) + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Give a table on standard output. Cells are text; empty tables show their head only."""
    grid = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(_plain(cell) for cell in row))
    Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200).print(grid)


def duration(seconds: float) -> str:
    """`0.04` gives `40 ms`, `3.21` gives `3.2 s`, `75` gives `1 min 15 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


class Progress(AbstractContextManager["Progress"]):
    """What each of several things waits for, side by side.

    On a terminal one line each, rewritten in place; elsewhere a line whenever something changed, so that a log
    of a CI run can be read. Safe to call from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._said: dict[str, str] = {}
        self._tasks: dict[str, progress.TaskID] = {}
        self._rows = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.TextColumn("{task.fields[text]}", markup=False),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )

    def __enter__(self) -> "Progress":
        self._rows.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.stop()

    def report(self, what: str, text: str) -> None:
        """`what` now does or waits for `text`; a repetition is not shown."""
        with self._lock:
            if self._said.get(what) == text:
                return
            self._said[what] = text
            if self._rows.disable:
                message(f"{time.monotonic() - self._started:6.1f} s  {what}: {text}")
            elif what in self._tasks:
                self._rows.update(self._tasks[what], text=text)
            else:
                self._tasks[what] = self._rows.add_task(what, total=None, text=text)


def durations(steps: Mapping[str, float]) -> str:
    """`{"update": 3.2, "golden request": 0.04}` gives `update 3.2 s, golden request 40 ms`."""
    return ", ".join(f"{name} {duration(seconds)}" for name, seconds in steps.items())


def _plain(text: str) -> str:
    """Text that rich shows as it is."""
    return text.replace("[", r"\[")

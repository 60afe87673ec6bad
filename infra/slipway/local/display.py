"""Show running steps: a live table in a terminal, plain lines with the time elsewhere."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from slipway.local.host.steps import StepResult

_PLAIN_EVERY_S = 15.0
"""How often a log (no terminal) hears from a step that goes on."""


class StepDisplay:
    """The steps that run now, with what they are at; a context manager for as long as they run.

    Several threads report at once. In a log, steps that take less than 15 s are only named when they are done.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[str, TaskID] = {}
        self._over = threading.Event()
        self._rows = Progress(
            TimeElapsedColumn(),
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[what]}", markup=False, style="dim"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._rows.start()
        if self._rows.disable:
            threading.Thread(target=self._tell_now_and_then, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._rows.stop()

    def started(self, name: str) -> None:
        """A step has begun."""
        self._steps[name] = self._rows.add_task(name, total=None, what="")

    def at(self, name: str, what: str) -> None:
        """A running step says what it is at."""
        if name in self._steps:
            self._rows.update(self._steps[name], what=what)

    def finished(self, done: StepResult) -> None:
        """A step is done: it leaves the table and stays as a line."""
        self._leave(done.name)
        self._say(done.seconds, f"{done.name}: {done.result}")

    def failed(self, name: str, seconds: float) -> None:
        """A step has failed."""
        self._leave(name)
        self._say(seconds, f"{name}: failed", style="red")

    def _leave(self, name: str) -> None:
        self._rows.remove_task(self._steps.pop(name))

    def _say(self, seconds: float, text: str, style: str | None = None) -> None:
        line = f"{seconds:7.1f} s  {text}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True, style=style)

    def _tell_now_and_then(self) -> None:
        while not self._over.wait(_PLAIN_EVERY_S):
            for task in self._rows.tasks:
                self._say(task.elapsed or 0.0, f"{task.description} ... {task.fields['what']}")


def print_times(console: Console, steps: Sequence[StepResult], total_s: float) -> None:
    """The table of times that ends a run."""
    table = Table("step", "seconds", "result", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for done in steps:
        table.add_row(done.name, f"{done.seconds:.1f}", done.result)
    table.add_row("all, side by side", f"{total_s:.1f}", "")
    console.print(table)

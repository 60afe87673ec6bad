"""Show running steps: a live table in a terminal, plain lines with the time elsewhere."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from slipway.local.host.steps import Done

_PLAIN_EVERY_S = 15.0
"""How often a log (no terminal) hears from a step that goes on."""


class StepDisplay:
    """The steps that run now, with what they are at; a context manager for as long as they run.

    Several threads report at once. Steps that take under a second and a half are only named when they are done.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, str, Spinner]] = {}
        self._over = threading.Event()
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        else:
            threading.Thread(target=self._tell_now_and_then, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._console.is_terminal:
            self._live.stop()

    def started(self, name: str) -> None:
        """A step has begun."""
        with self._lock:
            self._running[name] = (time.monotonic(), "", Spinner("dots"))

    def at(self, name: str, what: str) -> None:
        """A running step says what it is at."""
        with self._lock:
            if name in self._running:
                begin, _, spinner = self._running[name]
                self._running[name] = (begin, what, spinner)

    def finished(self, done: Done) -> None:
        """A step is done: it leaves the table and stays as a line."""
        self._leave(done.name)
        text = f"{done.seconds:7.1f} s  {done.name}: {done.result}"
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def failed(self, name: str, seconds: float) -> None:
        """A step has failed."""
        self._leave(name)
        self._console.print(f"{seconds:7.1f} s  {name}: failed", highlight=False, markup=False, style="red")

    def _leave(self, name: str) -> None:
        with self._lock:
            self._running.pop(name, None)

    def _snapshot(self) -> list[tuple[str, float, str, Spinner]]:
        now = time.monotonic()
        with self._lock:
            return [(name, now - begin, what, spin) for name, (begin, what, spin) in self._running.items()]

    def _table(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for name, seconds, what, spinner in self._snapshot():
            table.add_row(f"{seconds:7.0f} s", spinner, name, f"[dim]{what}[/dim]")
        return table

    def _tell_now_and_then(self) -> None:
        while not self._over.wait(_PLAIN_EVERY_S):
            for name, seconds, what, _ in self._snapshot():
                text = f"{seconds:7.0f} s  {name} ... {what}"
                self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def print_times(console: Console, steps: Sequence[Done], total_s: float) -> None:
    """The table of times that ends a run."""
    table = Table("step", "seconds", "result", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for done in steps:
        table.add_row(done.name, f"{done.seconds:.1f}", done.result)
    table.add_row("all, side by side", f"{total_s:.1f}", "")
    console.print(table)

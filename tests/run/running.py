"""Run parts side by side: pass on what they say line by line, stop them all when one has to or Ctrl-C comes."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.run.parts import Part

_STOP_LIMIT_S = 60.0
_REST_LIMIT_S = 5.0
_NO_SIGNAL = 0
Say = Callable[[str, str], None]
"""Takes the name of a part and a line of it."""


@dataclass(frozen=True)
class Ended:
    """How a part ended: `passed`, or `result` says why not."""

    name: str
    passed: bool
    result: str
    took_s: float


class _Running:
    """A part that runs, in a process group of its own; `ended` is called from a thread when it has ended."""

    def __init__(self, part: Part, say: Say, limit_s: float, ended: Callable[[Part, Ended], None]) -> None:
        self._part, self._say, self._limit_s, self._ended = part, say, limit_s, ended
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            part.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._say(self._part.name, line.rstrip("\n"))

    def _wait(self) -> None:
        try:
            code = self._process.wait(self._limit_s)
            result = "passed" if code == 0 else f"failed with {code}"
        except subprocess.TimeoutExpired:
            self.interrupt()
            self.end()
            code, result = 1, f"not done within {self._limit_s / 60:g} min"
        # What a process that it left behind may still write is not waited for.
        self._reader.join(_REST_LIMIT_S)
        took_s = time.monotonic() - self._began
        self._ended(self._part, Ended(self._part.name, code == 0, result, took_s))

    def interrupt(self) -> None:
        """Ask all its processes to end, as Ctrl-C does."""
        self._signal(signal.SIGINT)

    def end(self) -> None:
        """Wait until it has done what was asked by `interrupt`, and end what does not."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_LIMIT_S)
        # Its own children, such as the workers of pytest, may be at their teardown yet.
        until = time.monotonic() + _REST_LIMIT_S
        while self._signal(_NO_SIGNAL) and time.monotonic() < until:
            time.sleep(0.1)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> bool:
        """Send a signal to its process group; whether there still is one."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return False
        return True


def play(parts: Iterable[Part], say: Say, limit_s: float) -> list[Ended]:
    """Run every part as soon as it may; how each ended, in the order in which they did.

    A part that was never started is among them, as not passed. On KeyboardInterrupt all are stopped before it is passed
    on. `limit_s` is for each part.
    """
    waiting = list(parts)
    running: dict[str, _Running] = {}
    ended: dict[str, Ended] = {}
    news: queue.Queue[tuple[Part, Ended]] = queue.Queue()

    def tell(part: Part, how: Ended) -> None:
        ended[part.name] = how
        say(part.name, f"== {how.result} after {how.took_s / 60:.1f} min")

    try:
        while waiting or running:
            for part in [one for one in waiting if {*one.needs, *one.after} <= ended.keys()]:
                waiting.remove(part)
                if missing := [name for name in part.needs if not ended[name].passed]:
                    tell(part, Ended(part.name, False, f"not started: {missing[0]} has not passed", 0.0))
                else:
                    say(part.name, f"== {' '.join(part.argv)}")
                    running[part.name] = _Running(part, say, limit_s, lambda *how: news.put(how))
            if not running:
                continue
            part, how = news.get()
            del running[part.name]
            tell(part, how)
            if part.stops_all and not how.passed:
                for left in (*running, *(one.name for one in waiting)):
                    result = "stopped" if left in running else "not started"
                    ended[left] = Ended(left, False, f"{result}: {part.name} has failed", 0.0)
                break
    finally:
        for one in running.values():
            one.interrupt()
        for one in running.values():
            one.end()
    return list(ended.values())

"""Wait until something holds, or look at it again and again beside what a test does."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def until(what: str, holds: Callable[[], bool], limit_s: float) -> float:
    """Wait until something holds; returns how long that took, in seconds."""
    started = time.monotonic()
    while not holds():
        waited = time.monotonic() - started
        assert waited < limit_s, f"waited {waited:.0f} s until {what}"
        time.sleep(0.2)
    return time.monotonic() - started


@contextmanager
def looking(look: Callable[[], None], every_s: float) -> Iterator[None]:
    """Look each `every_s` seconds, in a thread of its own, while the block runs."""
    over = threading.Event()

    def look_again() -> None:
        while not over.wait(every_s):
            look()

    thread = threading.Thread(target=look_again)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""Write events as lines of JSON to stderr, where a cluster's log collector takes them; those of libraries, too."""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

# From the same place in a library's code: a flood of bad requests must not become a flood of lines.
LINES_A_MINUTE = 5
MESSAGE_LIMIT = 1000
TRACEBACK_LIMIT = 4000
_MINUTE_S = 60.0


def log(event: str, **values: object) -> None:
    """Write one event with its values."""
    line = json.dumps({"time": round(time.time(), 3), "event": event, **values})
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def take_over_logging() -> None:
    """Have all that libraries log or warn of come as events, from warnings on."""
    logging.basicConfig(handlers=[EventHandler()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    threading.excepthook = log_thread


def log_thread(failed: threading.ExceptHookArgs) -> None:
    """Log what ended a thread that nobody waits for."""
    name = failed.thread.name if failed.thread else "unknown"
    info = (failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback)
    logging.getLogger(__name__).error("thread %s failed", name, exc_info=info)


@dataclass
class _Place:
    """A place in the code that logs: when its present minute began, its lines in it, and those left out so far."""

    began: float
    lines: int = 0
    left_out: int = 0


class EventHandler(logging.Handler):
    """Makes events of log records: at most LINES_A_MINUTE of each place; the next line says how many were left out.

    A place is a line of code, with where its exception was raised: there are only so many of them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._places: dict[tuple[object, ...], _Place] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, unless there were enough of its place."""
        now = self._clock()
        place = self._places.setdefault(_place_of(record), _Place(now))
        if now - place.began >= _MINUTE_S:
            place.began, place.lines = now, 0
        if place.lines == LINES_A_MINUTE:
            place.left_out += 1
            return
        place.lines += 1
        values: dict[str, object] = {"logger": record.name, "level": record.levelname.lower()}
        if place.left_out:
            values["left_out"] = place.left_out
            place.left_out = 0
        if record.exc_info:
            values["traceback"] = _cut("".join(traceback.format_exception(*record.exc_info)), TRACEBACK_LIMIT)
        log("library", **values, message=_cut(_text(record), MESSAGE_LIMIT))


def _place_of(record: logging.LogRecord) -> tuple[object, ...]:
    here = (record.pathname, record.lineno)
    if not record.exc_info or record.exc_info[2] is None:
        return here
    *_, (frame, line) = traceback.walk_tb(record.exc_info[2])
    return (*here, record.exc_info[0], frame.f_code.co_filename, line)


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError) as error:  # the library's arguments do not fit its own message
        return f"{record.msg} ({error})"


def _cut(text: str, limit: int) -> str:
    """Leave out the middle of a long text: what happened stands at its end."""
    if len(text) <= limit:
        return text
    head = limit // 4
    return f"{text[:head]} ... {text[head - limit :]}"

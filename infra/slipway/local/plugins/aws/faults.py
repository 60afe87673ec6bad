"""Let calls fail on demand, as AWS's do: a control file, read before each call, says when."""

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from botocore.exceptions import ClientError

_HOLD_PAUSE_S = 0.05
_HOLD_LIMIT_S = 120.0


@dataclass(frozen=True)
class Control:
    """What to do to the calls.

    `fail_every`: every n-th call fails, 0 for none. `when`: `before` the call reaches AWS, or `after`, so that it
    was done and only its answer is lost. `hold`: a call (`iam.CreateRole`) whose answer is held back until the file
    says otherwise, so that a test can kill an engine that waits for it.
    """

    fail_every: int = 0
    when: Literal["before", "after"] = "before"
    hold: str = ""


def control(file: Path, wish: Control) -> None:
    """Write the control file whole, so that a reader sees all of it or the one before."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(wish)))
    draft.replace(file)


class Faults:
    """Counts calls and fails those that the control file names. The count goes on when the file changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._count = 0

    def due(self) -> Literal["before", "after"] | None:
        """Count a call; whether it is to fail, and when."""
        wish = self._wish()
        with self._lock:
            self._count += 1
            return wish.when if wish.fail_every and self._count % wish.fail_every == 0 else None

    def hold(self, service: str, operation: str) -> None:
        """Hold an answer back as long as the control file says so."""
        started = time.monotonic()
        while self._wish().hold == f"{service}.{operation}" and time.monotonic() - started < _HOLD_LIMIT_S:
            time.sleep(_HOLD_PAUSE_S)

    def _wish(self) -> Control:
        return Control(**json.loads(self._file.read_text())) if self._file.exists() else Control()


def injected(operation: str, when: str) -> ClientError:
    """The error that the caller sees: AWS's own for trouble inside, with a word on where it comes from."""
    meaning = "not done" if when == "before" else "done, but its answer is lost"
    error = {"Code": "InternalError", "Message": f"injected by the rehearsal: the call was {meaning}"}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 500}}, operation)

"""Bring all weights of a pod into their folder, then end; if that must not be, say why in one line and exit with 1."""

import os
import sys
import time
from pathlib import Path

from slipway_weights.bring import WrongBytes, bring
from slipway_weights.store import S3ModelStore, StoreRefused
from slipway_weights.wanted import BadWanted, wanted

# Kubernetes shows what a container wrote here as the reason of its end.
TERMINATION_LOG = Path("/dev/termination-log")


def main() -> int:
    """Return the exit code: 0 when every file is there and right."""
    began, last = time.monotonic(), ""

    def tell(text: str) -> None:
        nonlocal last
        if text != last:
            sys.stderr.write(f"{text}\n")
        last = text

    try:
        here = wanted(os.environ)
        store = S3ModelStore(here)
        for file in here.files:
            bring(file, here.folder, store, tell)
    except (BadWanted, WrongBytes, StoreRefused) as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or 'the weights'} cannot be written: {error.strerror}")
    tell(f"{len(here.files)} files, {sum(file.size for file in here.files)} bytes, {time.monotonic() - began:.1f} s")
    return 0


def _failed(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    if TERMINATION_LOG.exists():
        try:
            TERMINATION_LOG.write_text(reason + "\n")
        except OSError as problem:
            sys.stderr.write(f"termination message not written: {problem.strerror}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Start the judge; if it must not run, say why in one line and exit with 1."""

import os
import sys
import traceback
from pathlib import Path

from slipway_judge.startup.serve import StartError, run
from slipway_judge.telemetry.log import log, take_over_logging
from slipway_judge.values.config import ConfigError, load_config

# Kubernetes shows what a container wrote here as the reason of its end.
TERMINATION_LOG = Path("/dev/termination-log")
_EXPECTED = (ConfigError, StartError, OSError)


def main() -> int:
    """Return the exit code: 0 after a graceful stop, 1 when the judge must not run."""
    take_over_logging()
    try:
        run(load_config(os.environ))
    except BaseExceptionGroup as group:
        return _failed(_first(group))
    except _EXPECTED as error:
        return _failed(error)
    return 0


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _failed(error: BaseException) -> int:
    # Of a mistake of ours, the kind and the place: its text may quote what a client sent.
    place = traceback.extract_tb(error.__traceback__)
    where = f"{type(error).__name__} in {Path(place[-1].filename).name}:{place[-1].lineno}" if place else ""
    line = " ".join(str(error).split()) if isinstance(error, _EXPECTED) else f"a mistake: {where}"
    log("failed", reason=line)
    if TERMINATION_LOG.exists():
        try:
            TERMINATION_LOG.write_text(line + "\n")
        except OSError as problem:
            log("termination message not written", reason=problem.strerror)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Start the server; if it must not serve, say why in one line and exit with 1."""

import logging
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from slipway_server.backends.base import ModelError, NoAccelerator
from slipway_server.startup.ports import StartError
from slipway_server.startup.refusing import tell
from slipway_server.startup.serve import run
from slipway_server.telemetry.log import log, take_over_logging
from slipway_server.values.config import ConfigError, load_config

# Kubernetes shows what a container wrote here as the reason of its end.
TERMINATION_LOG = Path("/dev/termination-log")


def main() -> int:
    """Return the exit code: 0 after a graceful stop, 1 when the server must not serve."""
    take_over_logging()
    sys.excepthook = _crashed
    # The first process of a container ignores SIGTERM unless it says otherwise; serving
    # brings its own handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        config = load_config()
    except ConfigError as error:
        _say(str(error))
        return 1
    try:
        run(config, os.environ)
    except NoAccelerator as error:
        _say(str(error))
        # The node's driver may still be coming up: Kubernetes starts the container again, at longer intervals.
        tell(config.host, config.port, str(error))
        return 1
    except (ModelError, StartError) as error:
        _say(str(error))
        return 1
    return 0


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log a mistake of ours, for which nobody is prepared, leave it as the reason, and end."""
    logging.getLogger(__name__).critical("the server ends: %r", error, exc_info=(kind, error, trace))
    _say(f"{kind.__name__}: {error}")
    _leave(1)


def _say(reason: str) -> None:
    line = " ".join(reason.split())
    log("failed", reason=line)
    if TERMINATION_LOG.exists():
        try:
            TERMINATION_LOG.write_text(line + "\n")
        except OSError as error:
            log("termination message not written", reason=str(error))


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to be done, but Python would wait for the thread of a model's run, which may never end.
    os._exit(code)


if __name__ == "__main__":
    _leave(main())

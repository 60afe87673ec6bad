"""Run the image's model over a file: `python3 -m slipway_server.batch INPUT OUTPUT`; one line says why not.

In a Job that `slipway batch` made: `python3 -m slipway_server.batch --work FOLDER_OF_ADDRESSES FOLDER_FOR_THE_INPUT`.
"""

import argparse
import os
import signal
from pathlib import Path

from slipway_server.backends.base import ModelError
from slipway_server.batch.addresses import StoreBroke
from slipway_server.batch.parts import BatchError
from slipway_server.batch.run import run, run_stored
from slipway_server.batch.work import read_work
from slipway_server.startup.ports import StartError
from slipway_server.telemetry.log import log, take_over_logging
from slipway_server.values.config import ConfigError, load_config

_ROWS, _ROWS_MOST = 1000, 1_000_000


_REFUSED, _MUST_NOT_SERVE, _STORE_BROKE, _TOLD_TO_END = 1, 3, 75, 143
_WORKER = "JOB_COMPLETION_INDEX"
"""Kubernetes sets it in the pods of a Job that has several."""


def main() -> int:
    """Return the exit code.

    0: all parts are there. 1: the input or the place of the results cannot be used. 3: the model must not serve.
    75: the store of the results does not answer now; the same again later goes on.
    """
    parser = argparse.ArgumentParser("python3 -m slipway_server.batch", description="Run the model over a file.")
    parser.add_argument("input", type=Path, help="lines of JSON (.jsonl), or arrays by the model's inputs (.npz)")
    parser.add_argument("output", type=Path, help="folder of the results, in parts; an earlier run is gone on with")
    parser.add_argument("--rows", type=_rows, default=_ROWS, help=f"of one part, {_ROWS} when left out")
    parser.add_argument("--work", action="store_true", help="INPUT is what a Job is told, OUTPUT gets the input itself")
    given = parser.parse_args()
    take_over_logging()
    # The first process of a container gets no signal that it has no handler for: what is not whole is made again.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(_TOLD_TO_END))
    try:
        if given.work:
            worker = int(os.environ.get(_WORKER, "0"))
            run_stored(load_config(), os.environ, read_work(given.input), worker, given.output)
        else:
            run(load_config(), os.environ, given.input, given.output, given.rows)
    except (BatchError, ConfigError) as error:
        return _failed(_REFUSED, error)
    except (ModelError, StartError) as error:
        return _failed(_MUST_NOT_SERVE, error)
    except StoreBroke as error:
        return _failed(_STORE_BROKE, error)
    return 0


def _failed(code: int, error: Exception) -> int:
    log("failed", reason=" ".join(str(error).split()))
    return code


def _rows(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _ROWS_MOST:
        raise argparse.ArgumentTypeError(f"is {text!r}; allowed: a whole number from 1 to {_ROWS_MOST}")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())

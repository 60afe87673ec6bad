"""Run the image's model over a file: `python3 -m slipway_server.batch INPUT OUTPUT`; exit 1 with one line if not."""

import argparse
import os
from pathlib import Path

from slipway_server.backends.base import ModelError
from slipway_server.batch.parts import BatchError
from slipway_server.batch.run import run
from slipway_server.startup.ports import StartError
from slipway_server.telemetry.log import log, take_over_logging
from slipway_server.values.config import ConfigError, load_config

_ROWS, _ROWS_MOST = 1000, 1_000_000


def main() -> int:
    """Return the exit code: 0 when all parts are there, 1 when they cannot be made."""
    parser = argparse.ArgumentParser("python3 -m slipway_server.batch", description="Run the model over a file.")
    parser.add_argument("input", type=Path, help="lines of JSON (.jsonl), or arrays by the model's inputs (.npz)")
    parser.add_argument("output", type=Path, help="folder of the results, in parts; an earlier run is gone on with")
    parser.add_argument("--rows", type=_rows, default=_ROWS, help=f"of one part, {_ROWS} when left out")
    given = parser.parse_args()
    take_over_logging()
    try:
        run(load_config(), os.environ, given.input, given.output, given.rows)
    except (BatchError, ConfigError, ModelError, StartError) as error:
        log("failed", reason=" ".join(str(error).split()))
        return 1
    return 0


def _rows(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _ROWS_MOST:
        raise argparse.ArgumentTypeError(f"is {text!r}; allowed: a whole number from 1 to {_ROWS_MOST}")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())

"""Run the stand-in: `python -m slipway.local.plugins.aws --state FOLDER [--moto URL]`; prints its address as JSON."""

import argparse
import json
import logging
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from slipway.local.plugins.aws import moto_kept
from slipway.local.plugins.aws.backend import KEPT
from slipway.local.plugins.aws.moto_server import moto
from slipway.local.plugins.aws.server import serving
from slipway.local.plugins.aws.service import NOTICE


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m slipway.local.plugins.aws", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for journal, control file and what is kept")
    parser.add_argument("--moto", help="address of a moto server that runs already; else one is started here")
    args = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        endpoint = args.moto
        if endpoint is None:
            endpoint = stack.enter_context(moto())
            moto_kept.answer(args.state)
            (args.state / KEPT).unlink(missing_ok=True)  # it belongs to resources that this new moto does not have
        port = stack.enter_context(serving(args.state, endpoint))
        print(json.dumps({"notice": NOTICE, "port": port, "moto": endpoint}), flush=True)
        stop.wait()


if __name__ == "__main__":
    main()

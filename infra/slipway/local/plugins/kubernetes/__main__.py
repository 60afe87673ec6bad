"""Run the stand-in provider: `python -m slipway.local.plugins.kubernetes --port-file FILE [--log FILE] [--verbose]`."""

import argparse
import asyncio
import logging
from pathlib import Path

from slipway.local.plugins.kubernetes.server import serve


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m slipway.local.plugins.kubernetes", description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True, help="where the port is written (mode 0600)")
    parser.add_argument("--log", type=Path, help="log file (default: standard error)")
    parser.add_argument("--verbose", action="store_true", help="log every call and its time")
    args = parser.parse_args()
    logging.basicConfig(
        filename=args.log, format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, encoding="utf-8"
    )
    logging.getLogger("slipway.local.plugins").setLevel(logging.DEBUG if args.verbose else logging.INFO)
    asyncio.run(serve(args.port_file))


if __name__ == "__main__":
    main()

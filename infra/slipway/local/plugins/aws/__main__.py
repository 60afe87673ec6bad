"""Run the stand-in: `python -m slipway.local.plugins.aws --state FOLDER [--moto URL]`; prints its address as JSON."""

import argparse
import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from slipway.local.plugins.aws import moto_kept
from slipway.local.plugins.aws.backend import KEPT, Backend
from slipway.local.plugins.aws.iam.roles import Roles
from slipway.local.plugins.aws.moto_server import moto
from slipway.local.plugins.aws.service import Provider
from slipway.local.plugins.protocol.server import asked_to_stop, serving

_THREADS = 32
"""An engine works on as many resources at once as it likes; each waits for moto in a thread of its own."""


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m slipway.local.plugins.aws", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for journal, control file and what is kept")
    parser.add_argument("--moto", help="address of a moto server that runs already; else one is started here")
    parser.add_argument(
        "--policy", type=Path, action="append", default=[], metavar="FILE",
        help="a policy of the role that deploys, as docs/how-to/aws has it; calls beyond what they allow are refused",
    )  # fmt: skip
    args = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    with ExitStack() as stack:
        endpoint = args.moto
        if endpoint is None:
            endpoint = stack.enter_context(moto())
            moto_kept.answer(args.state)
            (args.state / KEPT).unlink(missing_ok=True)  # it belongs to resources that this new moto does not have
        asyncio.run(_serve(Backend(args.state, endpoint, Roles(args.policy) if args.policy else None)))


async def _serve(backend: Backend) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    async with serving(lambda environment_of: Provider(backend, environment_of), Provider.what) as port:
        stop = asked_to_stop()
        print(json.dumps({"notice": Provider.notice, "port": port, "moto": backend.endpoint}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()

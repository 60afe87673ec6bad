"""Run moto's server, set up as an account of AWS is: with the policies that Amazon manages."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from slipway.local.plugins.aws.moto_buckets import judge_whole_policies

_SETTINGS = {
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # nothing here asks for a machine image, and reading them takes seconds
}


@contextmanager
def moto() -> Iterator[str]:
    """Serve moto in this process while the block runs; gives its address."""
    os.environ.update(_SETTINGS)
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 (moto reads its settings when it is imported)

    judge_whole_policies()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()

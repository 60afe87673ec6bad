"""Serve the provider, its port told to others by a file, until SIGTERM."""

import logging
import os
from pathlib import Path

from slipway.local.plugins.kubernetes.client.connections import Connections
from slipway.local.plugins.kubernetes.service import Provider
from slipway.local.plugins.protocol.server import asked_to_stop, serving

log = logging.getLogger("slipway.local.plugins.kubernetes")


async def serve(port_file: Path) -> None:
    """Serve this user's processes and root's until SIGTERM or SIGINT.

    `port_file` holds the port while this runs (mode 0600).
    """
    async with serving(lambda environment_of: Provider(Connections(environment_of)), Provider.what) as port:
        stop = asked_to_stop()
        _announce(port_file, port)
        log.info("listening on 127.0.0.1:%d; %s", port, Provider.notice)
        try:
            await stop.wait()
        finally:
            port_file.unlink(missing_ok=True)
    log.info("stopped")


def _announce(port_file: Path, port: int) -> None:
    """Write the port so that a reader sees all of it or nothing."""
    port_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = port_file.with_name(f".{port_file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{port}\n")
    draft.replace(port_file)

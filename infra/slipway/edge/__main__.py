"""Serve the control side in its pod: its fleet and key are in variables, file and certificate in folders."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from slipway.catalog.pod_contract import FLEET_PORT
from slipway.edge.keys import of_base64
from slipway.edge.serving import Listen, serve
from slipway.edge.signing import SIGNING_KEY
from slipway.edge.store import Store, opened
from slipway.errors.base import SlipwayError

FILE = Path("/var/lib/fleet/fleet.sqlite")
CERTIFICATE = Path("/etc/fleet")


def main(
    variables: Mapping[str, str], file: Path = FILE, certificate: Path = CERTIFICATE, port: int = FLEET_PORT
) -> None:
    """Serve until SIGTERM; raises `SlipwayError` where the pod lacks what it needs."""
    fleet, key = variables.get("SLIPWAY_FLEET", ""), variables.get("SLIPWAY_FLEET_PUBLIC_KEY", "")
    if not fleet or of_base64(key, 32) is None:
        raise SlipwayError("SLIPWAY_FLEET or SLIPWAY_FLEET_PUBLIC_KEY is not set; next: slipway up makes the pod anew")
    listen = Listen("0.0.0.0", port, certificate / "tls.crt", certificate / "tls.key")  # noqa: S104 - in a pod, by TLS
    with opened(file) as store:
        know_key(store, key)
        serve(fleet, store, None, listen, _log)


def _log(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def know_key(store: Store, key: str) -> None:
    """Keep the key that commands are signed with; raises `SlipwayError` where devices know another."""
    known = store.meta(SIGNING_KEY)
    if known not in (None, key):
        text = f"cluster.public_key is {key}, and devices were enrolled with {known}; next: write that one"
        raise SlipwayError(text)
    if known is None:
        with store.changing():
            store.set_meta(SIGNING_KEY, key)


if __name__ == "__main__":
    try:
        main(os.environ)
    except SlipwayError as error:
        sys.exit(str(error))

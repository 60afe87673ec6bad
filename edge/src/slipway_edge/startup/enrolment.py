"""Make a device one of a fleet's, and read what it was told then."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_edge.control.client import Control
from slipway_edge.disk.files import Files
from slipway_edge.identity.device_key import made
from slipway_edge.identity.envelope import KEY_BYTES, Pinned, raw_key
from slipway_edge.values.document import canonical
from slipway_edge.values.errors import EdgeError

FILE = "enrolment.json"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Enrolment:
    """Who this device is, whom it trusts, and where its control side is; `authority`: of the control side's TLS."""

    pinned: Pinned
    url: str
    authority: Path | None


def enrol(home: Path, url: str, authority: Path | None, device: str, token: str, files: Files) -> Enrolment:
    """Make a key, trade the token, and keep what came: the fleet, and the keys that sign its documents.

    Raises:
        EdgeError: a name or token that is none, a device that is enrolled already, or the control side refused.
        Away: no answer.
    """
    if not _NAME.fullmatch(device):
        raise EdgeError(f"--device is {device!r}; allowed: small letters, digits and hyphens, 63 at most")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise EdgeError("the token is empty or no token; next: give the one that was printed, alone, on standard input")
    if (home / FILE).exists():
        raise EdgeError(f"{home / FILE} is there: this device is enrolled; next: move it away to enrol it anew")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    control = Control(url, authority)
    key = made(home, files)
    answer = control.enrol(token, device, key.public)
    held = {
        "fleet": answer.get("fleet"),
        "device": device,
        "signing_keys": answer.get("signing_keys"),
        "url": url,
        "authority": None if authority is None else str(authority.absolute()),
    }
    found = _parsed(held, "the control side's answer")
    files.write(home / FILE, canonical(held), 0o600)
    return found


def enrolment(home: Path, files: Files) -> Enrolment:
    """What the device was told.

    Raises:
        EdgeError: it is not enrolled, or the file was changed.
    """
    path = home / FILE
    raw = files.read(path)
    if raw is None:
        raise EdgeError(f"{path} is not there; next: slipway-edge enrol --home {home}")
    try:
        return _parsed(json.loads(raw), str(path))
    except ValueError:
        raise EdgeError(f"{path} is no JSON; next: move it away and enrol this device anew") from None


def pin(home: Path, keys: tuple[str, ...], files: Files) -> Pinned:
    """Take documents of these keys alone from now on, also after a power cut; a pinned key has signed that.

    Raises:
        EdgeError: what was told at enrolment is gone or was changed, or one of the keys is none.
        OSError: the disk is full or broken; what was pinned stays.
    """
    told = enrolment(home, files)
    held = {
        "fleet": told.pinned.fleet,
        "device": told.pinned.device,
        "signing_keys": list(keys),
        "url": told.url,
        "authority": None if told.authority is None else str(told.authority),
    }
    found = _parsed(held, "the document")
    files.write(home / FILE, canonical(held), 0o600)
    return found.pinned


def _parsed(held: dict[str, Any], where: str) -> Enrolment:
    fleet, keys = held.get("fleet"), held.get("signing_keys")
    if not isinstance(fleet, str) or not _NAME.fullmatch(fleet):
        raise EdgeError(f"{where}: fleet is {fleet!r}; allowed: the name of a fleet")
    if not isinstance(keys, list) or not keys or any(raw_key(one) is None for one in keys):
        raise EdgeError(f"{where}: signing_keys is {keys!r}; allowed: Ed25519 public keys, {KEY_BYTES} bytes in base64")
    authority = held.get("authority")
    pinned = Pinned(fleet, str(held["device"]), tuple(keys))
    return Enrolment(pinned, str(held["url"]), None if authority is None else Path(authority))

"""Take a document out of its envelope, if one of the pinned keys signed it and it is for this device and not old."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from slipway_edge.values.document import Document, parse
from slipway_edge.values.errors import Refused

KEY_BYTES = 32


@dataclass(frozen=True)
class Pinned:
    """What a device was told at enrolment: who it is, and who may tell it what to run (raw public keys, base64)."""

    fleet: str
    device: str
    signing_keys: tuple[str, ...]


def key_id(public: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a raw public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def raw_key(text: object) -> bytes | None:
    """The raw public key in base64; None: it is none."""
    try:
        raw = base64.b64decode(str(text), validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == KEY_BYTES else None


def opened(raw: bytes, pinned: Pinned, serial: int, payload: bytes | None) -> tuple[Document, bytes]:
    """Return the document in an envelope, and its bytes.

    Args:
        raw: the envelope: JSON with `payload` and `signature` in base64 and `key`, the id of the key that signed.
        pinned: whom and what this device trusts. No clock is asked: a device's may be wrong by years.
        serial: of the document that is in force; 0: none.
        payload: its bytes; None: none. The same again is taken again, other content under the same serial is not.

    Raises:
        Refused: malformed, not signed by a pinned key, for another device or fleet, or older than what is in force.
    """
    body = _verified(raw, pinned.signing_keys)
    document = parse(body)
    for what, is_, ours in (
        ("fleet", document.fleet, pinned.fleet),
        ("device", document.device, pinned.device),
    ):
        if is_ != ours:
            raise Refused(f"the document is for {what} {is_}; this is {ours}")
    if document.serial < serial:
        raise Refused(f"the document has serial {document.serial}; in force is {serial}: an old one was sent again")
    if document.serial == serial and payload is not None and body != payload:
        raise Refused(f"the document has serial {serial}, as the one in force, and other content")
    return document, body


def _verified(raw: bytes, keys: Sequence[str]) -> bytes:
    try:
        envelope = json.loads(raw)
        body = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signature"], validate=True)
        name = str(envelope["key"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Refused(f"no envelope with payload, key and signature ({type(error).__name__})") from None
    known = {key_id(public): public for public in map(base64.b64decode, keys)}
    if name not in known:
        raise Refused(f"signed by key {name[:16]}; pinned at enrolment: {', '.join(sorted(known))}")
    try:
        Ed25519PublicKey.from_public_bytes(known[name]).verify(signature, body)
    except InvalidSignature:
        raise Refused(f"the signature by key {name} does not fit the document") from None
    return body

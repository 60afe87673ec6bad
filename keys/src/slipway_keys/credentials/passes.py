"""Sign passes, which models ask for, and mark admitted calls, so that their access log is believed."""

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import NamedTuple

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_GOOD_S = 60
_RENEW_S = 30.0
# A model's node may be behind this one.
_EARLIER_S = 5
_MAC_BYTES = 12
_FEEDBACK = "feedback"
_LEEWAY_S = 30
_MOST_LENGTH = 1024


class SigningKeyError(Exception):
    """The signing key cannot be used; the message says why, and holds nothing of it."""


class Marked(NamedTuple):
    """What the mark on an admitted call says."""

    key: str
    account: str
    model: str


class Passes:
    """Passes of all models, each signed anew when half of its time is over."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        raw = private_key.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        self._mac_key = hashlib.sha256(b"slipway access log\0" + raw).digest()
        self._signed: dict[tuple[str, ...], tuple[float, bytes]] = {}

    @property
    def public_key(self) -> Ed25519PublicKey:
        """What passes are verified with."""
        return self._private_key.public_key()

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """What passes are signed with."""
        return self._private_key

    def of(self, *models: str) -> bytes:
        """Return a pass for a model, and for those that it asks; good for 25 s at least and 55 s at most."""
        return self._for(tuple(f"model/{model}" for model in models))

    def for_feedback(self, model: str) -> bytes:
        """Return a pass for feedback on a model, which no model takes; good for as long."""
        return self._for((f"{_FEEDBACK}/{model}",))

    def check_feedback(self, model: str, token: str | None) -> bool:
        """Say whether it is a pass for feedback on the model: the gateway's word that its key may give it."""
        if token is None or len(token) > _MOST_LENGTH:
            return False
        try:
            jwt.decode(
                token,
                self.public_key,
                algorithms=["EdDSA"],
                audience=f"{_FEEDBACK}/{model}",
                leeway=_LEEWAY_S,
                options={"require": ["aud", "exp", "iat"], "strict_aud": True},
            )
        except jwt.PyJWTError:
            return False
        return True

    def _for(self, audiences: tuple[str, ...]) -> bytes:
        now = time.monotonic()
        signed = self._signed.get(audiences)
        if signed is None or now - signed[0] > _RENEW_S:
            issued = int(time.time()) - _EARLIER_S
            audience = list(audiences) if len(audiences) > 1 else audiences[0]
            claims = {"aud": audience, "iat": issued, "exp": issued + _GOOD_S}
            signed = now, jwt.encode(claims, self._private_key, algorithm="EdDSA").encode()
            self._signed[audiences] = signed
        return signed[1]

    def mark(self, request_id: str, key: str, account: str, model: str) -> str:
        """Return what the gateway passes on and logs of an admitted call: whose it is, and a code that proves it."""
        whose = f"{key},{account},{model}"
        return f"{whose},{self._code(request_id, whose)}"

    def read_mark(self, request_id: str, mark: str) -> Marked | None:
        """Return what a mark says, None if it is not ours for this request."""
        whose, _, code = mark.rpartition(",")
        parts = whose.split(",")
        if len(parts) != 3 or not hmac.compare_digest(code.encode(), self._code(request_id, whose).encode()):
            return None
        return Marked(*parts)

    def _code(self, request_id: str, whose: str) -> str:
        digest = hmac.digest(self._mac_key, f"{request_id}\0{whose}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode()


def load(path: Path) -> Passes:
    """Return the passes of the key in a PEM file.

    Raises:
        SigningKeyError: it cannot be read, or is no Ed25519 private key.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise SigningKeyError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyError(f"{path}: is no private key in PEM; allowed: an Ed25519 key without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"{path}: is no Ed25519 key; allowed: an Ed25519 key without a password")
    return Passes(key)

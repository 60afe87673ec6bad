"""Check passes: tokens of a minute that the gateway's keys service signs for those who may call the model.

NetworkPolicies keep nobody out where no plugin enforces them, so the server itself looks at each call. A pass is a JWT
with an Ed25519 signature, `{"aud": "model/<name>", "iat": ..., "exp": ...}`; the server has the public key only. One to
a pipeline names its models, too: they are asked by the pass that it was asked with.
"""

import time
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slipway_server.telemetry.log import log

MOST_SECONDS = 60
"""Between `iat` and `exp`: whoever is no longer let in by the gateway is soon not let in here."""
# Clocks of nodes, and of the machine whose `slipway` judges a release, differ by some seconds.
_LEEWAY_S = 30
# With the names of a pipeline and of sixteen models.
_MOST_BYTES = 2048
_MOST_KEY_BYTES = 16 * 1024
# A signature costs a hundred microseconds, and one pass is good for many calls.
_MOST_KEPT = 256
# A ConfigMap that changes is a symlink that is swapped: nobody tells the server, and a look costs microseconds.
_LOOK_EVERY_S = 1.0
_ALLOWED = "a pass that the gateway gave for this model within the last minute"


class PassRefused(Exception):
    """The call has no pass that is good here; the message says why, and never has the pass in it."""


class KeyUnusable(Exception):
    """No pass can be checked, so nobody is let in; the message says why."""


class Passes:
    """The passes of one model. All methods are for the event loop's thread."""

    def __init__(self, public_key: Path, model: str) -> None:
        """Check passes for `model` by the key in a PEM file, which is read again when it changes."""
        self._path = public_key
        self._audience = f"model/{model}"
        self._kept: dict[bytes, float] = {}
        self._key: Ed25519PublicKey | None = None
        self._why_no_key = ""
        self._seen: object = None
        self._look_at = 0.0
        self._look()

    def check(self, token: bytes | None) -> None:
        """Return when the token is a good pass; raises `PassRefused` or `KeyUnusable`."""
        if time.monotonic() >= self._look_at:
            self._look()
        if self._key is None:
            raise KeyUnusable(f"no pass can be checked, so nobody is let in: {self._why_no_key}")
        if token is None:
            raise PassRefused(f"`x-slipway-pass` is missing; allowed: {_ALLOWED}")
        if time.time() < self._kept.get(token, 0.0):
            return
        until = self._verified(token, self._key)
        self._kept.pop(token, None)
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[token] = until

    def _verified(self, token: bytes, key: Ed25519PublicKey) -> float:
        """Return until when a pass is good, in seconds since 1970; `PassRefused` if it is not."""
        if len(token) > _MOST_BYTES:
            raise _refused(f"has {len(token)} bytes")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                leeway=_LEEWAY_S,
                options={"require": ["aud", "exp", "iat"]},
            )
        except jwt.InvalidAudienceError:
            raise _refused(f"is not for {self._audience}") from None
        except jwt.ExpiredSignatureError:
            raise _refused("has expired") from None
        except jwt.ImmatureSignatureError:
            raise _refused("is of the future: the clocks of who signed it and of this node differ") from None
        except jwt.InvalidSignatureError:
            raise _refused("has the signature of another key") from None
        except jwt.PyJWTError:
            raise _refused("is no pass") from None
        until, lasts = int(claims["exp"]), int(claims["exp"]) - int(claims["iat"])
        if lasts > MOST_SECONDS:
            raise _refused(f"lasts {lasts} s, where {MOST_SECONDS} are allowed")
        return float(until + _LEEWAY_S)

    def _look(self) -> None:
        """Read the key if its file is another one than at the last look; what it was good for is forgotten then."""
        self._look_at = time.monotonic() + _LOOK_EVERY_S
        key: Ed25519PublicKey | None = None
        try:
            stat = self._path.stat()
            seen: object = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen == self._seen:
                return
            key, why = _read_key(self._path), ""
        except OSError as error:
            why = f"{self._path} cannot be read: {error.strerror}"
            seen = why
        except ValueError as error:
            why = f"{self._path} {error}"
        if seen == self._seen:
            return
        self._seen = seen
        self._key, self._why_no_key = key, why
        self._kept.clear()
        log("gate", public_key=str(self._path), closed=why or None)


def _read_key(path: Path) -> Ed25519PublicKey:
    """Return the key in a PEM file; ValueError, as the rest of a sentence that begins with the file, if it has none."""
    with path.open("rb") as file:
        pem = file.read(_MOST_KEY_BYTES)
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is no public key in PEM; allowed: an Ed25519 key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"has a key of type {type(key).__name__}; allowed: an Ed25519 key")
    return key


def _refused(problem: str) -> PassRefused:
    return PassRefused(f"`x-slipway-pass` {problem}; allowed: {_ALLOWED}")

"""Give each subject a key of its own for an hour, and say which of them are not stored yet."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from slipway_server.capture.sealing import DIGEST, DIGEST_BYTES, PUBLIC, BadKey, digest_of, new_key, public_key, wrapped

NOBODY = "none"
"""Whom a sample is about whose request named no subject."""
KEY_S = 3600.0
"""After an erasure so long, at most, what is kept of the subject is lost: it is encrypted with a key that is gone."""
_MOST_KEYS = 10_000
_MOST_FILE = 16 * 1024


@dataclass(slots=True)
class Key:
    """A subject's key. `path`: what its object's key ends with. `stored`: whether that is there."""

    name: str
    secret: bytes
    path: str
    until: float
    stored: bool = False


class KeysMissing(Exception):
    """The folder of keys has not what samples are encrypted by; `str()` says which file, and why."""


class Keyring:
    """The keys of one process; for one thread."""

    def __init__(self, digest_key: bytes, public: X25519PublicKey, clock: Callable[[], float]) -> None:
        self._digest_key, self._public, self._clock = digest_key, public, clock
        self._keys: OrderedDict[str, Key] = OrderedDict()

    @classmethod
    def of(cls, folder: Path, clock: Callable[[], float]) -> "Keyring":
        """Read the files of a folder; raises `KeysMissing`."""
        digest_key, pem = _content(folder / DIGEST), _content(folder / PUBLIC)
        if len(digest_key) != DIGEST_BYTES:
            raise KeysMissing(f"{folder / DIGEST} has {len(digest_key)} bytes; allowed: {DIGEST_BYTES}")
        try:
            return cls(digest_key, public_key(pem), clock)
        except BadKey as error:
            raise KeysMissing(f"{folder / PUBLIC} {error}") from None

    def key(self, subject: str | None) -> Key:
        """Return a subject's key of now."""
        digest = NOBODY if subject is None else digest_of(subject, self._digest_key)
        there = self._keys.get(digest)
        if there is not None and self._clock() < there.until:
            self._keys.move_to_end(digest)
            return there
        name, secret = new_key()
        made = Key(name, secret, f"keys/{digest}/{name}", self._clock() + KEY_S)
        self._keys[digest] = made
        self._keys.move_to_end(digest)
        while len(self._keys) > _MOST_KEYS:
            self._keys.popitem(last=False)
        return made

    def wrapped(self, key: Key) -> bytes:
        """Return a key as it is stored."""
        return wrapped(key.name, key.secret, self._public)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_FILE)
    except OSError as error:
        raise KeysMissing(f"{file} cannot be read: {error.strerror}") from None

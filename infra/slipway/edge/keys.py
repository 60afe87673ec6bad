"""Hold the fleet's key: Ed25519, kept as an encrypted PEM outside of the project, or in a variable."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from slipway.errors.base import Place, UserError

VARIABLE = "SLIPWAY_FLEET_KEY"
PASSWORD = "SLIPWAY_FLEET_PASSWORD"  # noqa: S105 - the name of a variable
_SIZE_MOST = 2**16
_NAMED = re.compile(r"env://[A-Za-z_][A-Za-z0-9_]{0,99}")
_ALLOWED = f"the path of an encrypted key outside of the project, or env://VARIABLE; its password in {PASSWORD}"


class FleetKeyRefused(UserError):
    """The fleet's key cannot be used; the key itself is never shown."""

    def __init__(self, problem: str, todo: str) -> None:
        super().__init__(Place("environment"), VARIABLE, problem, _ALLOWED, todo)


class FleetKey:
    """The key that signs what devices are to run."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        """Take the key; it is written nowhere."""
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    def sign(self, payload: bytes) -> bytes:
        """The signature of 64 bytes."""
        return self._private.sign(payload)


def key_id(public: bytes) -> str:
    """What a key is called: the first 16 hex digits of the SHA-256 of its 32 public bytes."""
    return hashlib.sha256(public).hexdigest()[:16]


def verified(public: bytes, signature: bytes, payload: bytes) -> bool:
    """Whether a signature is of this key over these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, payload)
    except (InvalidSignature, ValueError):
        return False
    return True


def of_base64(text: str, size: int) -> bytes | None:
    """The bytes of standard base64, when they are so many; else None."""
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return found if len(found) == size else None


def fleet_key(variables: Mapping[str, str], root: Path) -> FleetKey:
    """The key that $SLIPWAY_FLEET_KEY names; raises `FleetKeyRefused`.

    `root`: of the project, in which a private key must not lie: it would be committed with it.
    """
    named = variables.get(VARIABLE, "")
    if not named:
        raise FleetKeyRefused("is not set", "make one: slipway devices key FILE")
    if "-----BEGIN" in named:
        raise FleetKeyRefused("holds a key itself (not shown)", f"name a variable with it: {VARIABLE}=env://MY_KEY")
    password = variables.get(PASSWORD, "").encode() or None
    if _NAMED.fullmatch(named):
        variable = named.removeprefix("env://")
        pem = variables.get(variable, "").encode()
        if not pem:
            raise FleetKeyRefused(f"names the variable {variable}, which is empty", f"put the key into {variable}")
        return _loaded(pem, password if b"ENCRYPTED" in pem else None, named)
    path = Path(named)
    if path.resolve().is_relative_to(root.resolve()):
        raise FleetKeyRefused(f"{path} lies in the project, with which it would be committed", "move it out")
    try:
        with path.open("rb") as stream:
            pem = stream.read(_SIZE_MOST)
    except OSError as error:
        raise FleetKeyRefused(f"{path} cannot be read: {error.strerror}", "correct the path") from None
    if b"ENCRYPTED" not in pem:
        raise FleetKeyRefused(f"{path} is not encrypted", "make one that is: slipway devices key FILE")
    return _loaded(pem, password, named)


def _loaded(pem: bytes, password: bytes | None, named: str) -> FleetKey:
    try:
        private = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        todo = f"check {PASSWORD}" if b"ENCRYPTED" in pem else "name a key that `slipway devices key` made"
        raise FleetKeyRefused(f"{named} cannot be opened", todo) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise FleetKeyRefused(f"{named} is no Ed25519 key", "make one: slipway devices key FILE")
    return FleetKey(private)


def write_key(path: Path, variables: Mapping[str, str], root: Path) -> FleetKey:
    """Make a key and write it, encrypted with $SLIPWAY_FLEET_PASSWORD, to a new file of mode 0600."""
    password = variables.get(PASSWORD, "").encode()
    if not password:
        raise FleetKeyRefused("needs a password", f"set {PASSWORD} from your secrets")
    if path.resolve().is_relative_to(root.resolve()):
        raise FleetKeyRefused(f"{path} lies in the project, with which it would be committed", "name another place")
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise FleetKeyRefused(f"{path} cannot be made: {error.strerror}", "name a file that is not there") from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
    return FleetKey(private)

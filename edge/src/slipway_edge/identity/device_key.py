"""The key of this device: made here, never sent, and what every request is signed with."""

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from slipway_edge.disk.files import Files
from slipway_edge.values.errors import EdgeError

FILE = "key.pem"
NEXT = "key-next.pem"
_MODE = 0o600


class DeviceKey:
    """Signs requests. Without a chip for it, the private key is a file that its owner alone can read."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> str:
        """The raw public key in base64."""
        return base64.b64encode(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def proof(self, fleet: str, device: str) -> str:
        """What shows that whoever gives the public key away has the private one: a signature in base64."""
        text = f"slipway-device-key-1\n{fleet}\n{device}\n{self.public}"
        return base64.b64encode(self._key.sign(text.encode())).decode()

    def headers(self, device: str, nonce: int, method: str, path: str, body: bytes) -> dict[str, str]:
        """Headers that sign a request: over `METHOD\\nPATH\\nNONCE\\nSHA-256 of the body in hex`."""
        text = f"{method}\n{path}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        return {
            "X-Slipway-Device": device,
            "X-Slipway-Nonce": str(nonce),
            "X-Slipway-Signature": base64.b64encode(self._key.sign(text.encode())).decode(),
        }


def made(folder: Path, files: Files, name: str = FILE) -> DeviceKey:
    """The device's key; the one that is there, or a new one, written before it is used."""
    path = folder / name
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.write(path, pem, _MODE)
    return loaded(folder, name)


def following(folder: Path) -> DeviceKey | None:
    """The key that is to take the place of the device's; None: there is none."""
    return loaded(folder, NEXT) if (folder / NEXT).exists() else None


def replace(folder: Path, files: Files) -> None:
    """The key that follows is the device's from now on, also after a power cut between any two steps."""
    files.write(folder / FILE, (folder / NEXT).read_bytes(), _MODE)
    (folder / NEXT).unlink()


def loaded(folder: Path, name: str = FILE) -> DeviceKey:
    """The device's key.

    Raises:
        EdgeError: there is none, others may read it, or it is no Ed25519 key.
    """
    path = folder / name
    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise EdgeError(
                f"{path} has mode {mode:o}; allowed: 600; next: chmod 600, and enrol anew if others read it"
            )
        key = load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        raise EdgeError(f"{path} is not there; next: enrol this device") from None
    except (ValueError, TypeError):
        raise EdgeError(f"{path} is no private key in PEM; next: remove it and enrol this device anew") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise EdgeError(f"{path} has a key of another kind; allowed: Ed25519; next: remove it and enrol anew")
    return DeviceKey(key)

"""Read the keys of an environment's samples from its cluster."""

import base64
import binascii
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from slipway_server.capture.sealing import DIGEST, PRIVATE, BadKey, digest_of, private_key

from slipway.cluster.api import Cluster
from slipway.cluster.gateway_secrets import SecretUnusable
from slipway.values.names import CAPTURE_KEYS


@dataclass(frozen=True, slots=True)
class CaptureKeys:
    """What samples are decrypted by, and found by their subject."""

    private: X25519PrivateKey = field(repr=False)
    digest_key: bytes = field(repr=False)

    def digest(self, subject: str) -> str:
        """What the store knows a subject by."""
        return digest_of(subject, self.digest_key)


def capture_keys(cluster: Cluster) -> CaptureKeys | None:
    """Return the keys; None where no model ever kept samples.

    Raises `SecretUnusable` for a Secret without them, and what `Cluster` raises.
    """
    secret = cluster.read("Secret", CAPTURE_KEYS)
    if secret is None:
        return None
    data = secret.get("data") or {}
    try:
        pem, key = (base64.b64decode(data[name], validate=True) for name in (PRIVATE, DIGEST))
        return CaptureKeys(private_key(pem), key)
    except (KeyError, BadKey, binascii.Error):
        problem = f"has no X25519 key in {PRIVATE}, or no {DIGEST}"
        raise SecretUnusable(cluster.namespace, "Secret", CAPTURE_KEYS, problem, "put it back from a copy") from None

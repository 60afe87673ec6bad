"""Sign passes: tokens of a minute that the model server, or the keys service, takes instead of a client's key."""
import time
from base64 import b64decode

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from slipway.cluster.api import Cluster


def signing_key(cluster: Cluster) -> Ed25519PrivateKey | None:
    secret = cluster.read("Secret", "keys-signing")
    if secret is None:
        return None
    key = load_pem_private_key(b64decode(secret["data"]["private.pem"]), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def signed_pass(key: Ed25519PrivateKey, audience: str, seconds: int = 60) -> str:
    now = int(time.time())
    return jwt.encode({"aud": audience, "iat": now, "exp": now + seconds}, key, algorithm="EdDSA")

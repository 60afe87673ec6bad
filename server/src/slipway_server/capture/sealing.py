"""Encrypt samples so that only the holder of a private key reads them, and nobody once a subject's keys are deleted.

A sample is encrypted with a key of its subject (AES-256-GCM). That key is wrapped for the environment's public key
(HPKE, RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) and stored beside: a server can write samples, and can read none. A
subject is known by a keyed digest only (HMAC-SHA256), so that whoever lists the store learns no name.
"""

import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

PUBLIC, PRIVATE, DIGEST = "public.pem", "private.pem", "digest.key"
"""Files with the keys: what wraps, what unwraps, and what digests of subjects are made with."""
DIGEST_BYTES = 32
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"slipway capture 1 "
_NONCE_BYTES = 12


class Unreadable(Exception):
    """What was to be decrypted was not encrypted so, or for another key; never says more."""


class BadKey(ValueError):
    """A key's file has no such key; `str()` is the rest of a sentence that begins with the file."""


def digest_of(subject: str, key: bytes) -> str:
    """Return what a subject is known by: 64 hex digits that nobody can compute who lacks the key."""
    return hmac.new(key, b"subject " + subject.encode(), "sha256").hexdigest()


def new_key() -> tuple[str, bytes]:
    """Return a new key, and the name that it goes by."""
    return secrets.token_hex(16), AESGCM.generate_key(256)


def wrapped(name: str, key: bytes, public: X25519PublicKey) -> bytes:
    """Return a subject's key as it is stored."""
    return _SUITE.encrypt(key, public, _INFO + name.encode())


def unwrapped(name: str, data: bytes, private: X25519PrivateKey) -> bytes:
    """Return a subject's key from what is stored; raises `Unreadable`."""
    try:
        return _SUITE.decrypt(data, private, _INFO + name.encode())
    except (InvalidTag, ValueError):
        raise Unreadable from None


def sealed(data: bytes, name: str, key: bytes) -> bytes:
    """Return a sample as it is stored, encrypted with the key of that name."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, name.encode())


def opened(data: bytes, name: str, key: bytes) -> bytes:
    """Return a sample from what is stored; raises `Unreadable`."""
    try:
        return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError):
        raise Unreadable from None


def public_key(pem: bytes) -> X25519PublicKey:
    """Return the key in a PEM file; raises `BadKey`."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("is no public key in PEM; allowed: an X25519 key") from None
    if not isinstance(key, X25519PublicKey):
        raise BadKey(f"has a key of type {type(key).__name__}; allowed: an X25519 key")
    return key


def private_key(pem: bytes) -> X25519PrivateKey:
    """Return the key in a PEM file; raises `BadKey`, which never has the key in it."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("is no private key in PEM; allowed: an X25519 key") from None
    if not isinstance(key, X25519PrivateKey):
        raise BadKey("has a key of another type; allowed: an X25519 key")
    return key

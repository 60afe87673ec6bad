"""Keys: their text, what they allow, and what is stored of them."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

Role = Literal["predict", "feedback", "samples", "usage", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Period = Literal["day", "month"]
EVERY_MODEL = "*"

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_ID_LENGTH = 12
_TEXT = re.compile(r"sk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` calls in `per_s` seconds (1 or 60)."""

    count: int
    per_s: int


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many calls, or so many dollars, in a day or month (UTC); one of the two is None."""

    calls: int | None
    usd: Decimal | None
    period: Period


@dataclass(frozen=True, slots=True)
class Key:
    """What is stored of a key.

    Attributes:
        id: 12 characters, the part of the key that is no secret.
        account: the id of the first key of its chain of rotations; limits, budgets and statements are the account's.
        secret_sha256: of the secret part, 32 bytes.
        models: names of models, or `*`.
    """

    id: str
    account: str
    secret_sha256: bytes
    name: str
    models: frozenset[str]
    roles: frozenset[Role]
    rate: Rate | None
    budget: Budget | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    rotated_from: str | None

    def __repr__(self) -> str:
        """Leave out the hash: it is nobody's to read, though nobody can undo it."""
        return f"Key({self.id})"

    def may_call(self, model: str) -> bool:
        """Say whether the key's scope has the model."""
        return model in self.models or EVERY_MODEL in self.models


def new_key() -> tuple[str, str]:
    """Return a new key's id and its whole text, which nobody can get again."""
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
    return key_id, f"sk_{key_id}_{secrets.token_urlsafe(32)}"


def split(text: str) -> tuple[str, str] | None:
    """Return the id and the secret of a key's text, None if it is no key."""
    match = _TEXT.fullmatch(text)
    return (match[1], match[2]) if match else None


def hashed(secret: str) -> bytes:
    """Return what is stored of a secret: its SHA-256, which suffices since the secret has 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()

"""Check who may use the admin API, and who has shown a key on the page.

Both are passes, JWTs signed with the environment's Ed25519 key: `slipway keys` signs one for `keys-admin` with the key
that it read from Secret `keys-signing`; the page signs one for whoever has shown a key, so that no answer has the key.
"""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ADMIN = "keys-admin"
_PAGE = "keys-page"
_MOST_ADMIN_S = 60
SESSION_S = 900
_LEEWAY_S = 30
_MOST_LENGTH = 1024


class PassError(Exception):
    """Somebody has no pass for what they ask; the message says why, and holds nothing of a pass."""


class AdminPasses:
    """The passes of this environment's key; another environment's are refused."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key()

    def check_admin(self, token: str | None) -> None:
        """Raises `PassError` without a pass for the admin API that is at most a minute long."""
        if not token:
            raise _forbidden("header x-slipway-pass is missing")
        claims = self._claims(token, ADMIN)
        if int(claims["exp"]) - int(claims["iat"]) > _MOST_ADMIN_S:
            raise _forbidden(f"the pass is valid for more than {_MOST_ADMIN_S} s")

    def session(self, key_id: str) -> str:
        """A pass that stands for a key on the page for a quarter of an hour."""
        now = int(time.time())
        claims = {"aud": _PAGE, "sub": key_id, "iat": now, "exp": now + SESSION_S}
        return jwt.encode(claims, self._key, algorithm="EdDSA")

    def key_of_session(self, token: str) -> str:
        """The id of the key that a session stands for; raises `PassError`."""
        return str(self._claims(token, _PAGE)["sub"])

    def _claims(self, token: str, audience: str) -> dict[str, Any]:
        if len(token) > _MOST_LENGTH:
            raise _forbidden("the pass is too long")
        required = ["aud", "exp", "iat"] + (["sub"] if audience == _PAGE else [])
        try:
            return jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                audience=audience,
                leeway=_LEEWAY_S,
                options={"require": required, "strict_aud": True},
            )
        except jwt.ExpiredSignatureError:
            raise _forbidden("the pass has expired") from None
        except jwt.InvalidAudienceError:
            raise _forbidden(f"the pass is not for {audience}") from None
        except jwt.InvalidSignatureError:
            raise _forbidden("the pass was not signed with this environment's key") from None
        except jwt.PyJWTError:
            raise _forbidden("there is no valid pass") from None


def _forbidden(problem: str) -> PassError:
    return PassError(f"{problem}; next: use `slipway keys`, or show the key on the page again")

"""Tokens of OpenID Connect: whose signature, issuer, audience and time are right."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import orjson

from slipway_keys.telemetry.log import log
from slipway_keys.values.route import OidcSection

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Asymmetric ones only: with an HMAC, whoever knows the public key could sign."""

_LIMIT_S = 3.0
_MOST_BYTES = 512 * 1024
_RENEW_S = 300.0
_GOOD_S = 3600.0
_LEAST_APART_S = 10.0
_LEEWAY_S = 30
_SUBJECT_LENGTH = 200


class TokenError(Exception):
    """The token is not good; the message says why, and holds nothing of it."""


class IssuerAwayError(Exception):
    """The issuer's keys cannot be had."""


@dataclass(slots=True)
class _Keys:
    by_id: dict[str, Any]
    read: float


class Issuers:
    """The keys of all issuers that models name."""

    def __init__(self) -> None:
        self._keys: dict[str, _Keys] = {}
        self._tried: dict[str, float] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}

    async def subject(self, token: str, rules: OidcSection) -> str:
        """Return whose token it is, `oidc:` and the subject in a form that any header can carry.

        Raises:
            TokenError: the token is not good.
            IssuerAwayError: nobody can tell, since the issuer does not answer and its keys are not known.
        """
        try:
            key_id = str(jwt.get_unverified_header(token).get("kid", ""))
        except jwt.PyJWTError:
            raise TokenError("it is no JWT") from None
        key = await self._key(rules.issuer, key_id)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=list(rules.audiences),
                issuer=rules.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise TokenError(type(error).__name__) from None
        return "oidc:" + quote(str(claims["sub"])[:_SUBJECT_LENGTH], safe="@.")

    async def _key(self, issuer: str, key_id: str) -> Any:
        now = time.monotonic()
        known = self._keys.get(issuer)
        if known is None or now - known.read > _RENEW_S or key_id not in known.by_id:
            await self._read(issuer)
            known = self._keys.get(issuer)
        if known is None or time.monotonic() - known.read > _GOOD_S:
            raise IssuerAwayError(issuer)
        if key_id not in known.by_id:
            raise TokenError("its key is none of the issuer's")
        return known.by_id[key_id]

    async def _read(self, issuer: str) -> None:
        """Read an issuer's keys, at most once in 10 s: anybody can send tokens with keys that do not exist."""
        if issuer not in self._reading:
            if time.monotonic() - self._tried.get(issuer, -_LEAST_APART_S) < _LEAST_APART_S:
                return
            self._tried[issuer] = time.monotonic()
            self._reading[issuer] = asyncio.create_task(self._read_now(issuer))
        task = self._reading[issuer]
        try:
            await asyncio.shield(task)
        finally:
            if task.done():
                self._reading.pop(issuer, None)

    async def _read_now(self, issuer: str) -> None:
        try:
            async with asyncio.timeout(_LIMIT_S), httpx.AsyncClient(timeout=_LIMIT_S, trust_env=False) as client:
                discovery = await _document(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
                if discovery.get("issuer") != issuer:
                    raise ValueError("its discovery document names another issuer")
                address = str(discovery["jwks_uri"])
                if issuer.startswith("https://") and not address.startswith("https://"):
                    raise ValueError("its keys are not behind https")
                document = await _document(client, address)
            found = jwt.PyJWKSet.from_dict(document)
            keys = {str(key.key_id or ""): key.key for key in found.keys if key.key_type != "oct"}
        except (httpx.HTTPError, OSError, TimeoutError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            log("issuer's keys not read", issuer=issuer, reason=type(error).__name__)
            return
        self._keys[issuer] = _Keys(keys, time.monotonic())


async def _document(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    parts, size = [], 0
    async with client.stream("GET", url) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_bytes():
            size += len(part)
            if size > _MOST_BYTES:
                raise ValueError("its answer is too large")
            parts.append(part)
    document = orjson.loads(b"".join(parts))
    if not isinstance(document, dict):
        raise ValueError("its answer is no object")
    return document

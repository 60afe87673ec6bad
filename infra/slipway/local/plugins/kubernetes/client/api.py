"""Talk to one Kubernetes API server in plain JSON, with a limit on how long an unreachable one is waited for."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import aiohttp
from kubernetes.aio.client import ApiClient

from slipway.local.host.text import shortened

Manifest: TypeAlias = dict[str, Any]

UNREACHABLE_S = 30.0
"""How long an API server that does not answer is waited for; a restart takes about ten."""
REQUEST_S = 60.0
_STILL_DOWN_S = 5.0
_BUSY = frozenset({429, 502, 503, 504})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
APPLY = "application/apply-patch+yaml"
JSON = "application/json"


class ApiError(Exception):
    """The API server refused: `code` is the HTTP status, `status` its Status object (or a made-up one)."""

    def __init__(self, code: int, status: Manifest) -> None:
        super().__init__(status.get("message") or f"HTTP {code}")
        self.code = code
        self.status = status

    @property
    def reason(self) -> str:
        """The machine-readable reason, for example AlreadyExists."""
        return str(self.status.get("reason", ""))

    @property
    def causes(self) -> list[Manifest]:
        """The causes that it names, each with `field`, `message`, `reason`."""
        return list((self.status.get("details") or {}).get("causes") or [])


class UnreachableError(Exception):
    """The API server did not answer within the limit."""

    def __init__(self, address: str, waited_s: float, cause: str) -> None:
        waited = f" for {waited_s:.0f} s" if waited_s >= 1 else ""
        super().__init__(
            f"the Kubernetes API server {address} did not answer{waited} ({cause}); "
            "check that the cluster runs and that the kubeconfig names its address"
        )


class Answer(NamedTuple):
    """What the API server said: the object, whether it is new, and its warnings (deprecated versions and the like)."""

    body: Manifest
    created: bool
    warnings: list[str]


class Api:
    """One API server with the credentials of one kubeconfig context; requests share a pool of connections."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self.address: str = client.configuration.host.rstrip("/")
        self.namespace = namespace
        self._client = client
        self._found_down = float("-inf")
        rest = client.rest_client
        self._proxy = rest.proxy
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=rest.ssl_context, keepalive_timeout=60),
            read_bufsize=2**22,
            timeout=aiohttp.ClientTimeout(total=REQUEST_S, connect=10),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
        await self._client.close()  # type: ignore[no-untyped-call]

    async def get(self, path: str, **params: str) -> Manifest:
        """GET; see `request`."""
        return (await self.request("GET", path, params)).body

    async def request(
        self, method: str, path: str, params: Mapping[str, str], body: Any = None, content_type: str = JSON
    ) -> Answer:
        """Send a request that may safely be sent again.

        A server that was found unreachable a moment ago gets one try, so that ten resources do not wait ten times.
        Raises ApiError when it is refused, UnreachableError when no answer comes within UNREACHABLE_S seconds.
        """
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        started, pause = time.monotonic(), _FIRST_PAUSE_S
        limit_s = 0.0 if started - self._found_down < _STILL_DOWN_S else UNREACHABLE_S
        while True:
            try:
                code, text, warnings = await self._send(method, path, params, data, content_type)
                cause = f"HTTP {code}"
                if code not in _BUSY:
                    return Answer(_answer(code, text), code == 201, warnings)
            except (aiohttp.ClientConnectionError, TimeoutError, aiohttp.ClientPayloadError) as error:
                code, text, cause = 0, b"", str(error) or type(error).__name__
            waited = time.monotonic() - started
            if waited + pause > limit_s:
                if code:
                    raise ApiError(code, _status(code, text))
                self._found_down = time.monotonic()
                raise UnreachableError(self.address, waited, cause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _send(
        self, method: str, path: str, params: Mapping[str, str], data: bytes | None, content_type: str
    ) -> tuple[int, bytes, list[str]]:
        headers = {"Content-Type": content_type, **await self._auth()}
        async with self._session.request(
            method, self.address + path, params=params, data=data, headers=headers, proxy=self._proxy
        ) as response:
            warnings = response.headers.getall("Warning", [])
            return response.status, await response.read(), [_warning(text) for text in warnings]

    async def _auth(self) -> dict[str, str]:
        configuration = self._client.configuration
        if configuration.api_key:
            token = await configuration.get_api_key_with_prefix("BearerToken")
            return {"Authorization": token} if token else {}
        return {"Authorization": configuration.get_basic_auth_token()} if configuration.username else {}

    async def text(self, path: str, **params: str) -> str:
        """GET an answer that is no JSON (a container's log); sent once. Raises ApiError or UnreachableError."""
        try:
            code, text, _ = await self._send("GET", path, params, None, JSON)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnreachableError(self.address, 0, str(error)) from error
        if code >= 400:
            raise ApiError(code, _status(code, text))
        return text.decode(errors="replace")

    async def stream(self, path: str, **params: str) -> AsyncIterator[Manifest]:
        """GET a watch, event by event, until the server ends it.

        Raises ApiError when it is refused, aiohttp.ClientError or TimeoutError when the connection breaks.
        """
        async with self._session.get(
            self.address + path,
            params=params,
            headers=await self._auth(),
            proxy=self._proxy,
            timeout=aiohttp.ClientTimeout(total=None, connect=10, sock_read=None),
        ) as response:
            if response.status >= 400:
                raise ApiError(response.status, _status(response.status, await response.read()))
            async for line in response.content:
                yield json.loads(line)


def _answer(code: int, text: bytes) -> Manifest:
    if code >= 400:
        raise ApiError(code, _status(code, text))
    answer: Manifest = json.loads(text)
    return answer


def _status(code: int, text: bytes) -> Manifest:
    try:
        status = json.loads(text)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return status
    return {
        "kind": "Status",
        "code": code,
        "message": f"HTTP {code}: {shortened(text.decode(errors='replace').strip(), 500)}",
    }


def _warning(header: str) -> str:
    """`299 - "policy/v1beta1 is deprecated"` -> its text."""
    return header.partition('"')[2].rpartition('"')[0].replace('\\"', '"') or header

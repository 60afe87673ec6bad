"""Ask the control side: enrol once, then what is desired, then tell how it went."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from slipway_edge.identity.device_key import DeviceKey
from slipway_edge.values.document import SIZE_LIMIT, canonical
from slipway_edge.values.errors import Away, EdgeError

_LIMIT_S = 30.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Reply:
    """Status and body of an answer, and its ETag."""

    status: int
    body: bytes
    etag: str | None


class Control:
    """The control side by its URL; proxies of the environment (`HTTPS_PROXY`) are used.

    Args:
        url: `https://...`; `http://` is for loopback alone, where nobody can listen.
        authority: file with the certificates of who may have signed the control side's; None: the system's.

    Raises:
        EdgeError: the URL is none, or would let others read along.
    """

    def __init__(self, url: str, authority: Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise EdgeError(f"the control side's URL is {url!r}; allowed: https://HOST[:PORT]")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise EdgeError(f"the control side's URL is {url!r}; allowed: https, since a token and answers pass on it")
        self._url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._pool = _pool(parts.scheme, parts.hostname, authority)

    def enrol(self, token: str, device: str, public_key: str) -> dict[str, object]:
        """Trade a one-time token for the fleet's name and the keys that sign its documents.

        Raises:
            Away: no answer.
            EdgeError: the token is not, or not any more, good.
        """
        reply = self._asked("POST", "/v1/enrol", {"token": token, "device": device, "public_key": public_key}, {})
        if reply.status != 200:
            raise EdgeError(
                f"the control side did not enrol {device}: status {reply.status}, {_error(reply)}; "
                "next: have a new token made, since each is good once"
            )
        try:
            answer: dict[str, object] = json.loads(reply.body)
        except ValueError:
            raise EdgeError("the control side answered no JSON; next: look at the URL") from None
        return answer

    def desired(self, device: str, key: DeviceKey, nonce: Callable[[], int], etag: str | None) -> Reply | None:
        """The envelope of what is desired; None: there is none, or it has not changed since `etag`.

        Raises:
            Away: no answer, or not a good one.
        """
        more = {"If-None-Match": etag} if etag else {}
        reply = self._signed("GET", f"/v1/devices/{device}/desired", b"", device, key, nonce, more)
        if reply.status in (204, 304):
            return None
        if reply.status != 200:
            raise Away(f"the control side: desired: status {reply.status}, {_error(reply)}")
        return reply

    def report(self, device: str, key: DeviceKey, nonce: Callable[[], int], report: dict[str, object]) -> None:
        """Hand in one report.

        Raises:
            Away: it was not taken.
        """
        body = canonical(report)
        reply = self._signed("POST", f"/v1/devices/{device}/report", body, device, key, nonce, {})
        if reply.status not in (200, 204):
            raise Away(f"the control side: report: status {reply.status}, {_error(reply)}")

    def _signed(
        self,
        method: str,
        path: str,
        body: bytes,
        device: str,
        key: DeviceKey,
        nonce: Callable[[], int],
        more: dict[str, str],
    ) -> Reply:
        headers = key.headers(device, nonce(), method, self._prefix + path, body)
        return self._asked(method, path, body, {**headers, **more})

    def _asked(self, method: str, path: str, body: object, headers: dict[str, str]) -> Reply:
        raw = body if isinstance(body, bytes) else canonical(body)
        if raw:
            headers = {**headers, "Content-Type": "application/json"}
        try:
            reply = self._pool.request(
                method,
                self._url + path,
                body=raw or None,
                headers=headers,
                timeout=urllib3.Timeout(total=_LIMIT_S),
                redirect=False,
                preload_content=False,
            )
            content = reply.read(2 * SIZE_LIMIT)
            reply.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise Away(f"the control side at {self._url}: {type(error).__name__}, within {_LIMIT_S:.0f} s") from None
        return Reply(reply.status, content, reply.headers.get("ETag"))


def _pool(scheme: str, host: str, authority: Path | None) -> urllib3.PoolManager:
    settings: dict[str, Any] = {"retries": False, "num_pools": 1, "maxsize": 1}
    if authority is not None:
        settings["ca_certs"] = str(authority)
    address = _proxy(scheme, host)
    if address is None:
        return urllib3.PoolManager(**settings)
    return urllib3.ProxyManager(address, **settings)


def _proxy(scheme: str, host: str) -> str | None:
    return None if proxy_bypass(host) else getproxies().get(scheme)


def _error(reply: Reply) -> str:
    try:
        return str(json.loads(reply.body)["error"])[:300]
    except (ValueError, KeyError, TypeError):
        return "without a reason"

"""Ask the control side: enrol once, then what is desired, then tell how it went."""

import json
from collections.abc import Callable, Iterator
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
_SILENCE_S = 30.0
"""Weights that nothing arrives of for so long broke off."""
_BLOCK = 64 * 2**10
_OK, _PARTIAL, _RANGE = 200, 206, 416
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
        tell: is told the date of each answer.

    Raises:
        EdgeError: the URL is none, or would let others read along.
    """

    def __init__(
        self, url: str, authority: Path | None = None, tell: Callable[[str | None], None] = lambda _: None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise EdgeError(f"the control side's URL is {url!r}; allowed: https://HOST[:PORT]")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise EdgeError(f"the control side's URL is {url!r}; allowed: https, since a token and answers pass on it")
        self._url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._tell = tell
        self._pool = _pool(parts.scheme, parts.hostname, authority)
        # Reports go out while weights come in.
        self._weights = _pool(parts.scheme, parts.hostname, authority)

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

    def report(self, device: str, key: DeviceKey, nonce: Callable[[], int], report: dict[str, object]) -> bool:
        """Hand in one report; returns whether somebody asks for the log of this device.

        Raises:
            Away: it was not taken.
        """
        body = canonical(report)
        reply = self._signed("POST", f"/v1/devices/{device}/report", body, device, key, nonce, {})
        if reply.status not in (200, 204):
            raise Away(f"the control side: report: status {reply.status}, {_error(reply)}")
        return b'"logs"' in reply.body

    def rekey(self, fleet: str, device: str, key: DeviceKey, nonce: Callable[[], int], new: DeviceKey) -> int:
        """Hand in a key that takes the place of `key`, with the proof that this device has it; returns the status.

        Raises:
            Away: no answer.
        """
        body = canonical({"public_key": new.public, "signature": new.proof(fleet, device)})
        return self._signed("POST", f"/v1/devices/{device}/key", body, device, key, nonce, {}).status

    def logs(self, device: str, key: DeviceKey, nonce: Callable[[], int], lines: list[dict[str, object]]) -> None:
        """Hand in the last events of this agent, as they were asked for.

        Raises:
            Away: they were not taken.
        """
        reply = self._signed("POST", f"/v1/devices/{device}/logs", canonical({"lines": lines}), device, key, nonce, {})
        if reply.status not in (200, 204):
            raise Away(f"the control side: logs: status {reply.status}, {_error(reply)}")

    def weights(
        self,
        device: str,
        key: DeviceKey,
        nonce: Callable[[], int],
        sha256: str,
        span: tuple[int, int],
        bytes_per_s: int | None,
    ) -> Iterator[bytes]:
        """Yield some bytes of a file of this device's weights as they arrive: from the first up to before the last.

        Raises:
            Away: it cannot be had, or broke off.
        """
        first, last = span
        path = f"/v1/devices/{device}/weights/{sha256}"
        headers = key.headers(device, nonce(), "GET", self._prefix + path, b"")
        # Else a proxy might squeeze it, and count other bytes.
        headers |= {"Range": f"bytes={first}-{last - 1}", "Accept-Encoding": "identity"}
        try:
            reply = self._weights.request(
                "GET",
                self._url + path,
                headers=headers,
                timeout=urllib3.Timeout(connect=_LIMIT_S, read=_SILENCE_S),
                redirect=False,
                preload_content=False,
            )
            try:
                _must_be_part(reply, first, last)
                block = _BLOCK if bytes_per_s is None else max(1024, min(_BLOCK, bytes_per_s // 4))
                while data := reply.read1(block, decode_content=False):
                    yield data
            except BaseException:
                # What is still on its way is not waited for.
                reply.close()
                raise
            reply.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise Away(f"the control side at {self._url} broke off: {type(error).__name__}") from None

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
        self._tell(reply.headers.get("Date"))
        return Reply(reply.status, content, reply.headers.get("ETag"))


class ControlSource:
    """The weights of one device, at the control side."""

    def __init__(self, control: Control, device: str, key: Callable[[], DeviceKey], nonce: Callable[[], int]) -> None:
        self._control, self._device, self._key, self._nonce = control, device, key, nonce

    def read(self, sha256: str, first: int, last: int, bytes_per_s: int | None) -> Iterator[bytes]:
        """See `Control.weights`."""
        return self._control.weights(self._device, self._key(), self._nonce, sha256, (first, last), bytes_per_s)


def _must_be_part(reply: urllib3.BaseHTTPResponse, first: int, last: int) -> None:
    """Raise `Away` where an answer is anything but the bytes that were asked for.

    All of the file in place of a part of it, as a proxy sends that takes `Range` away, is refused: each cut would cost
    the link all that is here already.
    """
    wanted = f"bytes {first}-{last - 1}/"
    found = reply.headers.get("Content-Range", "")
    if reply.status == _PARTIAL and found.startswith(wanted):
        return
    if reply.status == _OK:
        raise Away("the control side, or a proxy, sends all where a part was asked for; next: let Range pass")
    if reply.status == _RANGE:
        raise Away(f"the control side has fewer bytes than the document says: none from {first} on")
    if reply.status == _PARTIAL:
        raise Away(f"the control side sends {found or 'unnamed bytes'} where {wanted[:-1]} was asked for")
    error = _error(Reply(reply.status, reply.read(2 * _BLOCK), None))
    raise Away(f"the control side: weights: status {reply.status}, {error}")


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

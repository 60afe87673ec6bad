"""Call a store by addresses that are signed for one call each, so that a pod holds no credentials of it."""

import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from slipway_server.batch.parts import BatchError
from slipway_server.batch.work import Source

_TIMEOUT_S = 60.0
_BLOCK = 2**20
_ANSWER_MOST = 2**16
"""Bytes of an answer that says why not."""

_T = TypeVar("_T")


class StoreBroke(Exception):
    """The store does not answer, or answers that it cannot now, however often it is asked. `str()` says which."""


class _Passing(Exception):
    """An answer that may be another one in a moment."""


@dataclass(frozen=True, slots=True)
class Tries:
    """How often in a row one call may fail, and the seconds after the first time, doubled each time."""

    most: int = 6
    pause_s: float = 1.0


class Addresses:
    """A connection to a store, made again when it breaks."""

    def __init__(self, authority: Path | None, tries: Tries | None = None) -> None:
        """`authority`: file with the certificates of those who may vouch for the store."""
        self._authority = authority
        self._tries = tries or Tries()
        self._link: http.client.HTTPConnection | None = None
        self._to: tuple[str, str] | None = None

    def fetch(self, source: Source, path: Path) -> None:
        """Have an object as a file, from where an earlier try broke off.

        Raises:
            BatchError: it is another object than it was, or the address is none any more.
            StoreBroke: see there.
        """
        path.unlink(missing_ok=True)
        path.touch()
        while (there := path.stat().st_size) < source.size:
            self._tried(lambda: self._more(source, path))
            if path.stat().st_size == there:
                raise StoreBroke("the store sends nothing of the input")
        if path.stat().st_size != source.size:
            raise BatchError(_changed(f"it has more than {source.size} bytes"))

    def is_there(self, head: str) -> bool:
        """Return whether an object is there; raises as `put`."""
        return self._tried(lambda: self._called("HEAD", head)) is not HTTPStatus.NOT_FOUND

    def put(self, address: str, data: bytes) -> None:
        """Make an object.

        Raises:
            BatchError: the store refuses the address, which ends some time after it was signed.
            StoreBroke: see there.
        """
        if self._tried(lambda: self._called("PUT", address, data)) is HTTPStatus.NOT_FOUND:
            raise BatchError("the store has no such bucket any more; allowed: the one that the run began with")

    def _more(self, source: Source, path: Path) -> None:
        offset = path.stat().st_size
        headers = {"If-Match": source.tag, **({"Range": f"bytes={offset}-"} if offset else {})}
        answer = self._asked("GET", source.get, headers=headers)
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            raise BatchError(_changed("it was written anew"))
        if answer.status == HTTPStatus.NOT_FOUND:
            raise BatchError(_changed("it was deleted"))
        if answer.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise _refusal("GET", answer)
        with path.open("ab" if answer.status == HTTPStatus.PARTIAL_CONTENT else "wb") as file:
            while block := answer.read(_BLOCK):
                file.write(block)

    def _called(self, method: str, address: str, data: bytes | None = None) -> HTTPStatus:
        answer = self._asked(method, address, data)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise _refusal(method, answer)
        answer.read()
        return HTTPStatus(answer.status)

    def _asked(
        self, method: str, address: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        parts = urlsplit(address)
        link = self._linked(parts)
        link.request(method, f"{parts.path}?{parts.query}", data, headers or {})
        return link.getresponse()

    def _linked(self, parts: SplitResult) -> http.client.HTTPConnection:
        to = (parts.scheme, parts.netloc)
        if self._link is None or self._to != to:
            self._drop()
            if parts.scheme == "https":
                context = ssl.create_default_context(cafile=self._authority)
                self._link = http.client.HTTPSConnection(parts.netloc, timeout=_TIMEOUT_S, context=context)
            else:
                self._link = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
            self._to = to
        return self._link

    def _tried(self, call: Callable[[], _T]) -> _T:
        for attempt in range(self._tries.most):
            try:
                return call()
            except (_Passing, OSError, http.client.HTTPException) as error:
                self._drop()
                last = error
                if attempt + 1 < self._tries.most:
                    time.sleep(self._tries.pause_s * 2**attempt)
            except BatchError:
                self._drop()
                raise
        said = str(last) or type(last).__name__
        raise StoreBroke(f"the store does not do its part, {self._tries.most} times: {said}")

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None


def _refusal(method: str, answer: http.client.HTTPResponse) -> BatchError | _Passing:
    """What an answer means that is not the one that was asked for."""
    said = answer.read(_ANSWER_MOST).decode(errors="replace")
    code = said.partition("<Code>")[2].partition("</Code>")[0][:64] or str(answer.status)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _Passing(f"{method} is answered {code}")
    return BatchError(
        f"the store refuses {method}: {code}; allowed: addresses that are a day old at most, by credentials that still "
        "hold; next: run the command again, it goes on at the parts that are missing"
    )


def _changed(how: str) -> str:
    return f"the input is not the one that the run began with: {how}; allowed: an input that stays as it is"

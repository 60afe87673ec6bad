"""Read a file over HTTP: from any byte on, unchanged since, encrypted on every hop; no message has a credential."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from slipway.reading.files import BadFile
from slipway.sources.refusals import ALLOWED, SourceBroke, refused
from slipway.sources.transfer import Limits, Opened

_HOPS = 5
_BLOCK = 2**20
_ANSWER_LIMIT = 4 * 2**20
"""Of an answer that is read as a whole: a manifest, or JSON."""
_LATER = (408, 425, 429)
_OF_THE_NETWORK = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
"""Not every OSError: a full disk is none of the source's faults."""
Cause = TypeVar("Cause", bound=BaseException)


class Bearer(AuthBase):
    """A token in the header `Authorization`. Given as `auth`, so that no entry of ~/.netrc takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Nothing(AuthBase):
    """No credential, not even what ~/.netrc has for the host: a redirect may lead anywhere."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave a request as it is."""
        return request


@dataclass(frozen=True, slots=True)
class Web:
    """A server, and how it is asked.

    Attributes:
        limits: what is waited for.
        todo: what to do when it refuses for want of a right.
        auth: what it is shown; an entry of ~/.netrc for None. No other server gets it.
        headers: of each request.
        handled: statuses of refusals that whoever asks reads for itself.
    """

    limits: Limits
    todo: str
    auth: AuthBase | None = None
    headers: Mapping[str, str] | None = None
    handled: tuple[int, ...] = (401, 416)

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[requests.Response]:
        """The answer to a GET, redirects followed; its body is not read yet.

        Raises:
            BadFile: refused, or led to where nothing is encrypted.
            SourceBroke: no answer, or one of a server that is not well.
        """
        with requests.Session() as session, words(urlsplit(url).hostname or ""):
            response = self._followed(session, url, dict(self.headers or {}) | dict(headers or {}))
            with closing(response):
                yield response

    def _followed(self, session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
        first = url
        for _ in range(_HOPS):
            same = _server(url) == _server(first)
            response = session.get(
                url,
                headers={"Accept-Encoding": "identity", **headers},
                auth=self.auth if same else Nothing(),
                stream=True,
                allow_redirects=False,
                timeout=(self.limits.connect_s, self.limits.silence_s),
            )
            host = urlsplit(url).netloc
            if response.is_redirect:
                response.close()
                url = redirected(response)
            elif response.status_code >= 500 or response.status_code in _LATER:
                response.close()
                raise SourceBroke(f"{host} answers {response.status_code}")
            elif response.status_code >= 400 and response.status_code not in self.handled:
                response.close()
                raise refused(response.status_code, host, self.todo)
            else:
                return response
        raise BadFile(f"redirects more than {_HOPS} times", ALLOWED, "write the address that it leads to")

    def read(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """The answer to a GET with its body, which is small; raises as `get`."""
        with self.get(url, headers) as response:
            body = response.raw.read(_ANSWER_LIMIT + 1, decode_content=True)
            if len(body) > _ANSWER_LIMIT:
                raise BadFile(f"is behind an answer of more than {_ANSWER_LIMIT} bytes", ALLOWED, self.todo)
            response._content = body
            return response


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file at one URL, as an `Origin`."""

    web: Web
    url: str

    @contextmanager
    def open(self, offset: int, version: str | None) -> Iterator[Opened]:
        """See `Origin`."""
        asked = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and version is not None:
            asked["If-Range"] = version
        with self.web.get(self.url, asked) as response:
            if response.status_code == 401:
                raise refused(401, urlsplit(self.url).netloc, self.web.todo)
            if response.status_code in (200, 206):
                found = opened_at(response)
                if found.start in (0, offset) and (not found.start or version in (None, found.version)):
                    yield found
                    return
        # It has another file now, shorter than what is here, or changed in spite of If-Range.
        with self.web.get(self.url) as response:
            yield opened_at(response)


def opened_at(response: requests.Response, size: int | None = None, version: str | None = None) -> Opened:
    """What an answer sends, from its headers.

    `size`, `version`: of the file, where they are known already.
    """
    start, total = 0, response.headers.get("Content-Length")
    if response.status_code == 206:
        span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        first = span.partition("-")[0]
        start = int(first) if first.isdecimal() else -1
    tag = response.headers.get("ETag")
    said = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")
    whole = int(total) if total and total.isdecimal() else None
    return Opened(start, size if size is not None else whole, version or said, _blocks(response))


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """The bytes as they come: a whole block of a slow source would hide for long how slow it is."""
    while block := response.raw.read1(_BLOCK, decode_content=False):
        yield block


def is_loopback(url: str) -> bool:
    """Whether a URL is of this machine, which nothing has to be encrypted for."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def redirected(response: requests.Response) -> str:
    """Where an answer leads; refused where bytes would travel in clear, or come from this machine's files."""
    url = response.url
    to = urljoin(url, response.headers["Location"])
    encrypted = to.startswith("https://")
    if encrypted or _server(to) == _server(url) or (to.startswith("http://") and is_loopback(to) and is_loopback(url)):
        return to
    scheme, host = _server(to)
    where = f"{scheme}://{host}" if host else f"{scheme}:"
    raise BadFile(f"redirects to {where}", "redirects to https:// only", "ask who runs the source for an https address")


@contextmanager
def words(host: str) -> Iterator[None]:
    """What breaks on the way, in words of ours: the libraries' own contain whole URLs, signed ones too."""
    try:
        yield
    except _OF_THE_NETWORK as error:
        certificate = _cause(error, ssl.SSLCertVerificationError)
        if certificate is not None:
            problem = f"is behind a certificate that is not trusted: {certificate.verify_message}"
            todo = "correct the host's name, or name the authority's certificates by REQUESTS_CA_BUNDLE"
            raise BadFile(problem, ALLOWED, todo) from None
        raise SourceBroke(f"{host} {_reason(error)}") from None


_REASONS: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
    # First, since the libraries call it a time-out of the connection, too.
    ("refuses the connection", (ConnectionRefusedError,)),
    ("has no address: its name is not known here", (socket.gaierror, urllib3.exceptions.NameResolutionError)),
    ("cannot be reached through the proxy", (urllib3.exceptions.ProxyError,)),
    ("does not take a connection in time", (requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError)),
    ("was silent for too long", (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)),
    ("broke off", (ConnectionError, urllib3.exceptions.ProtocolError)),
)


def _reason(error: BaseException) -> str:
    known = (text for text, kinds in _REASONS if _cause(error, *kinds))
    return next(known, f"cannot be read ({type(error).__name__})")


def _cause(error: BaseException, *kinds: type[Cause]) -> Cause | None:
    """The first error of some kinds among an error, what it was raised from, and what the libraries put into it."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, kinds):
            return one
        if one not in seen:
            seen.append(one)
            inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
            waiting += [each for each in inner if isinstance(each, BaseException)]
    return None


def endpoint(variable: str, url: str, *, credential: bool) -> str:
    """The server that an environment variable names, without a slash at its end.

    Raises:
        BadFile: it is no web address, has a credential in it, or would get one in clear (`credential`).
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        problem = f"is on the server that {variable} names, which is no web address"
        raise BadFile(problem, f"{variable}=https://HOST", f"correct {variable}")
    if "@" in parts.netloc:
        problem = f"is on the server that {variable} names with a user or a password in it"
        raise BadFile(problem, f"{variable}=https://HOST", "give the credential by its own variable")
    if credential and parts.scheme == "http" and not is_loopback(url):
        problem = f"is on a server that would get a credential in clear: {variable} begins with http://"
        raise BadFile(problem, f"{variable}=https://HOST", f"write https:// in {variable}, or unset the credential")
    return url.rstrip("/")

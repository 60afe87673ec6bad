"""Ask one registry: log in as it asks, wait where it says wait, and say in words what it refuses."""

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import parse_http_list

import requests

from slipway.errors.images import ImageMissing, RegistryFailed, RepositoryMissing
from slipway.registry.credentials import Login, Missing
from slipway.registry.repository import Repository

MANIFEST_MOST = 4 * 2**20
"""Bytes of a manifest or any other document; the least that the distribution spec asks registries to take."""
_TRIES = 5
_LONGEST_PAUSE_S = 60.0
_TIMEOUT_S = (10.0, 300.0)
"""To connect, and between two bytes: a registry digests a large layer before it answers."""
_AGAIN = (429, 500, 502, 503, 504)
_NO_REPOSITORY = ("NAME_UNKNOWN", "NAME_INVALID")
_SAID_MOST = 300

_QUERY = re.compile(r"\?[^\s,;)]+")

Pause = Callable[[float], object]


class Connection:
    """One registry, asked about one repository.

    Every method raises `RegistryFailed`, or one of its kinds, in the registry's own words.
    """

    def __init__(
        self,
        repository: Repository,
        actions: str,
        login: tuple[Login, Missing],
        beside: Sequence[Repository] = (),
        pause: Pause = time.sleep,
    ) -> None:
        """Take what is needed; nothing is asked yet.

        `actions`: `pull` or `pull,push`. `beside`: repositories of the same registry that are read, too. `pause` waits
        for seconds.
        """
        self.repository = repository
        self._login, self._missing = login
        self._scopes = [f"repository:{repository.path}:{actions}", *(f"repository:{it.path}:pull" for it in beside)]
        self._pause = pause
        self._authorization: str | None = None
        self._session = requests.Session()
        # Credentials come from Docker's configuration alone, not from a .netrc; proxies and certificates as always.
        self._session.auth = lambda request: request

    def ask(self, method: str, path: str, *, once: bool = False, **how: Any) -> requests.Response:
        """Ask, and again where the registry is busy or the connection broke; returns any answer but one of these.

        `path`: below the repository's address, or a whole address that the registry gave. `once`: the body can be sent
        once only, so that whoever asks has to ask again.
        """
        attempt = 1
        while True:
            last = once or attempt == _TRIES
            pause_s = 2.0 ** (attempt - 1)
            try:
                answer = self._authorized(method, path, once=once, **how)
            except requests.exceptions.SSLError as error:
                raise self._failed(str(error)) from error
            except requests.exceptions.RequestException as error:
                if last:
                    raise self._failed(f"does not answer: {error}") from error
            else:
                if last or answer.status_code not in _AGAIN:
                    return answer
                answer.close()
                pause_s = _after(answer, pause_s)
            self._pause(pause_s)
            attempt += 1

    def document(self, answer: requests.Response) -> bytes:
        """The body of an answer that was asked for as a stream; refused beyond `MANIFEST_MOST`."""
        with answer:
            data: bytes = b""
            try:
                for chunk in answer.iter_content(2**16):
                    data += chunk
                    if len(data) > MANIFEST_MOST:
                        raise self._failed(f"sent more than {MANIFEST_MOST} bytes for {answer.url}")
            except requests.exceptions.RequestException as error:
                raise self._failed(f"broke off: {error}") from error
        return data

    def refused(self, answer: requests.Response, what: str) -> RegistryFailed:
        """What an answer that is no success means for `what` was asked."""
        said, codes = _said(answer)
        status = answer.status_code
        if status in (401, 403):
            because = f"refuses {what} ({status}: {said}); its login may be missing or have expired"
            return self._failed(self._missing.explain(because))
        if status == 404 and any(code in _NO_REPOSITORY for code in codes):
            return RepositoryMissing(str(self.repository), f"has no such repository ({said})")
        if status == 404:
            return ImageMissing(str(self.repository), f"does not have {what} ({said})")
        if status == 429:
            return self._failed(f"takes no more requests for now ({said}), asked {_TRIES} times for {what}")
        return self._failed(f"answers {status} to {what} ({said})")

    def _failed(self, reason: str) -> RegistryFailed:
        # Registries redirect to addresses whose query is the permission to read what is there.
        return RegistryFailed(str(self.repository), _QUERY.sub("?(not shown)", reason))

    def _authorized(self, method: str, path: str, *, once: bool, **how: Any) -> requests.Response:
        """Send, and after a challenge again with its answer; tokens of registries are good for minutes only."""
        answer = self._send(method, path, **how)
        if answer.status_code == 401 and (challenge := answer.headers.get("WWW-Authenticate")):
            before, self._authorization = self._authorization, self._answer_to(challenge)
            if self._authorization is not None and self._authorization != before and not once:
                answer.close()
                return self._send(method, path, **how)
        return answer

    def _send(self, method: str, path: str, **how: Any) -> requests.Response:
        url = urljoin(f"{self.repository.url}/", path)
        headers = dict(how.pop("headers", {}))
        # An address that the registry gave may be elsewhere: it gets no credentials of the registry.
        if self._authorization and urlsplit(url)[:2] == urlsplit(self.repository.url)[:2]:
            headers["Authorization"] = self._authorization
        return self._session.request(method, url, headers=headers, timeout=_TIMEOUT_S, **how)

    def _answer_to(self, challenge: str) -> str | None:
        """The header `Authorization` that a registry asks for; None where there is nothing to give."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return self._login.basic
        if scheme.lower() != "bearer":
            raise self._failed(f"asks for credentials in a way that is not known: {scheme[:40]!r}")
        pairs = (pair.partition("=") for pair in parse_http_list(rest))
        asked = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        realm = asked.get("realm", "")
        if urlsplit(realm).scheme != "https" and not (self.repository.plain and urlsplit(realm).scheme == "http"):
            raise self._failed(f"wants credentials to be sent to {realm[:200]!r}, which is no https address")
        return f"Bearer {self._token(realm, asked.get('service', ''))}"

    def _token(self, realm: str, service: str) -> str:
        """A token of whoever issues the registry's."""
        login = self._login
        if login.identity_token:
            form = {"grant_type": "refresh_token", "service": service, "client_id": "slipway"}
            form |= {"scope": " ".join(self._scopes), "refresh_token": login.identity_token}
            answer = self._session.post(realm, data=form, timeout=_TIMEOUT_S)
        else:
            headers = {"Authorization": login.basic} if login.basic else {}
            asked = {"service": service, "scope": self._scopes}
            answer = self._session.get(realm, params=asked, headers=headers, timeout=_TIMEOUT_S)
        if not answer.ok:
            raise self.refused(answer, "a token")
        token = None
        with contextlib.suppress(ValueError, AttributeError):
            token = answer.json().get("token") or answer.json().get("access_token")
        if not isinstance(token, str) or not token.isprintable():
            raise self._failed(f"gave no token: {realm} answered without one")
        return token


def _after(answer: requests.Response, otherwise_s: float) -> float:
    """Seconds that a busy registry asks to wait, within bounds."""
    try:
        return min(max(float(answer.headers["Retry-After"]), 0.0), _LONGEST_PAUSE_S)
    except (KeyError, ValueError):
        return otherwise_s


def _said(answer: requests.Response) -> tuple[str, tuple[str, ...]]:
    """What a registry says of a refusal, as one printable line, and its codes."""
    try:
        text = answer.text[:MANIFEST_MOST]
        errors = answer.json().get("errors") or []
        codes = tuple(str(error.get("code", "")) for error in errors)
        text = "; ".join(f"{error.get('code', '')}: {error.get('message', '')}" for error in errors) or text
    except (ValueError, AttributeError, TypeError, requests.exceptions.RequestException):
        text, codes = answer.reason or "", ()
    shown = "".join(c if c.isprintable() else " " for c in text).strip()
    return shown[:_SAID_MOST] or "without a reason", codes

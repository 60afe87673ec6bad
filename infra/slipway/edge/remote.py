"""Reach the control side on another machine: a copy of what it keeps, and changes that it takes only as a whole.

A command reads its copy, changes it, and sends the rows that it changed, with the number of the last change that it
knows of. The control side takes them if no other command changed anything since, and refuses all of them otherwise;
the command then looks again. Of what did not change nothing travels.

Requests are signed with the fleet's key, whose public half the control side has anyway: there is no other secret.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import requests

from slipway.edge import tables
from slipway.edge.commands import CHANGES, CONTENT, SENT_MOST, SIGNATURE, TIME, signed_command
from slipway.edge.keys import FleetKey
from slipway.edge.signing import as_text
from slipway.edge.store import Store, StoreChanged, StoreRefused

AWAY_S = 60.0
"""For how long a control side that does not answer is asked again: its pod may be on its way to another node."""
_TIMEOUT_S = (10.0, 60.0)
"""To connect, and for an answer."""
_AWAY = (502, 503, 504)


class RemoteStore(Store):
    """The same as `Store`, of a file on another machine. Every method may raise `StoreRefused`."""

    def __init__(self, url: str, fleet: str, key: FleetKey, pause: Callable[[float], object] = time.sleep) -> None:
        """Ask for everything that the control side at `url` keeps of a fleet; `pause`: waits so many seconds."""
        self.where = url.rstrip("/")
        self._fleet = fleet
        self._key = key
        self._pause = pause
        self._session = requests.Session()
        self._ahead_s = 0.0
        self._known = -1
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.executescript(tables.schema())
        self.refresh()

    def close(self) -> None:
        """Forget the copy."""
        self._session.close()
        super().close()

    def clock(self) -> float:
        """Seconds since the epoch, by the clock of the control side."""
        return time.monotonic() + self._ahead_s

    def refresh(self) -> None:
        """Ask for what was changed since the last time."""
        answer = self._asked("GET", f"{CHANGES}?since={self._known}", b"")
        if answer.status_code == requests.codes.no_content:
            return
        told = self._read(answer)
        with self._explained():
            self._db.execute("BEGIN")
            if told["all"]:
                tables.cleared(self._db)
            tables.copied(self._db, told["rows"])
            self._db.execute("COMMIT")
        self._known = told["number"]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One change of the control side: all of it is written, or nothing.

        Raises `StoreChanged` where another command was faster.
        """
        self.refresh()
        with self._explained():
            self._db.execute("BEGIN")
            before = tables.number(self._db)
            try:
                yield
                rows = tables.rows_since(self._db, before, to_copy=False)
                if rows:
                    self._send(rows)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _send(self, rows: dict[str, Any]) -> None:
        body = json.dumps({"known": self._known, "rows": rows}, separators=(",", ":")).encode()
        if len(body) > SENT_MOST:
            sizes = [f"{size / 2**20:.1f} MiB" for size in (len(body), SENT_MOST)]
            problem = f"{sizes[0]} were to be changed at once, more than {sizes[1]}"
            raise StoreRefused(f"{self.where}: {problem}; next: put fewer devices into one ring")
        answer = self._asked("POST", CHANGES, body)
        if answer.status_code == requests.codes.conflict:
            raise StoreChanged
        self._known = self._read(answer)["number"]

    def _asked(self, method: str, path: str, body: bytes) -> requests.Response:
        """An answer; a request may be sent more than once, since a change that was taken is refused as an old one."""
        begun, waited_s, wait_s = time.monotonic(), 0.0, 0.5
        while True:
            why = ""
            try:
                answer = self._session.request(
                    method,
                    self.where + path,
                    data=body or None,
                    headers=self._headers(method, path, body),
                    timeout=_TIMEOUT_S,
                    allow_redirects=False,
                )
            except requests.exceptions.SSLError as error:
                todo = "check `control`; a certificate of an authority of your own is told by REQUESTS_CA_BUNDLE=FILE"
                raise StoreRefused(f"{self.where} cannot be trusted: {_short(error)}; next: {todo}") from None
            except requests.exceptions.RequestException as error:
                why = _short(error)
            else:
                if answer.status_code not in _AWAY:
                    self._tell_time(answer)
                    return answer
                why = f"HTTP {answer.status_code}"
            if max(time.monotonic() - begun, waited_s) + wait_s > AWAY_S:
                todo = f"see that {self.where}/healthz answers, then run this again, which goes on where it was"
                text = f"waited {AWAY_S:.0f} s for the control side at {self.where}: {why}; next: {todo}"
                raise StoreRefused(text)
            self._pause(wait_s)
            waited_s, wait_s = waited_s + wait_s, min(8.0, 2 * wait_s)

    def _headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        at, content = str(int(self.clock() if self._known >= 0 else time.time())), sha256(body).hexdigest()
        signature = self._key.sign(signed_command(self._fleet, method, path, at, content))
        return {TIME: at, CONTENT: content, SIGNATURE: as_text(signature)}

    def _tell_time(self, answer: requests.Response) -> None:
        try:
            self._ahead_s = float(answer.headers[TIME]) - time.monotonic()
        except (KeyError, ValueError):
            text = f"{self.where} answers, and is no control side of a fleet; next: correct `control` of the settings"
            raise StoreRefused(text) from None

    def _read(self, answer: requests.Response) -> dict[str, Any]:
        self._refuse(answer)
        told: dict[str, Any] = answer.json()
        return told

    def _refuse(self, answer: requests.Response) -> None:
        if answer.status_code != requests.codes.ok:
            try:
                reason = str(answer.json()["error"])
            except (ValueError, KeyError, TypeError):
                reason = answer.reason
            raise StoreRefused(f"{self.where} answers HTTP {answer.status_code}: {reason}")


def _short(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 300 else f"{text[:300]}..."

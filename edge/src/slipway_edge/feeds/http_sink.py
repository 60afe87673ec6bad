"""POST each answer to a URL."""

import urllib3

from slipway_edge.feeds.allowed import Allowed
from slipway_edge.values.errors import Away
from slipway_edge.values.feeding import HttpSink

_LIMIT_S = 10.0
_OF_THIS_ANSWER = frozenset({400, 413, 415, 422})
"""It refuses this very answer, and would for ever; the next one may be fine."""


class AnswersByHttp:
    """`Idempotency-Key` is the input's id: an answer may come twice. A redirect is not followed."""

    def __init__(self, said: HttpSink, allowed: Allowed) -> None:
        self._said = said
        self._allowed = allowed
        self._pool: urllib3.PoolManager | None = None
        self.dropped = 0

    def send(self, input_id: str, answer: bytes, /) -> None:
        """Return when it was answered with 2xx."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": input_id}
        if self._said.token is not None:
            headers["Authorization"] = f"Bearer {self._allowed.secret(self._said.token)}"
        try:
            reply = self._opened().request("POST", self._said.url, body=answer, headers=headers, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Away(f"{self._said.url}: {type(error).__name__}") from None
        if reply.status in _OF_THIS_ANSWER:
            self.dropped += 1
        elif not 200 <= reply.status < 300:
            raise Away(f"{self._said.url} answers {reply.status}")

    def end(self) -> None:
        """Close what is open."""
        if self._pool is not None:
            self._pool.clear()

    def _opened(self) -> urllib3.PoolManager:
        if self._pool is None:
            said = self._said.authority
            authority = None if said is None else str(self._allowed.secret_path(said))
            timeout = urllib3.Timeout(total=_LIMIT_S)
            self._pool = urllib3.PoolManager(1, retries=False, maxsize=1, timeout=timeout, ca_certs=authority)
        return self._pool

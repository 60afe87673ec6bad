"""Ask one address at a steady rate, whether it answers or not (vegeta), and tell what became of every request.

A closed loop waits for an answer before it asks again, so a server that stands still for a second costs it one request
per client. Here it costs a second's requests, as it does the people who send them.
"""

import base64
import json
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.go_programs import built

_VEGETA = ("vegeta", "github.com/tsenart/vegeta/v12")
_GRACE_S = 30.0
"""How long the generator may take to end, beyond what its last requests may take."""
_TOO_SLOW = 0.98
"""A generator that sent less than this share of what was asked for was no open loop."""
_LATE_S = 0.2
"""So much later its last request may be all the same: of a short run one late request is more than that share."""


@dataclass(frozen=True)
class Target:
    """One request, sent over and over. Credentials in `headers` go to vegeta by standard input, never by argument."""

    url: str
    body: bytes = b""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What became of one request: `status` 0 and an `error` when no answer came. `sent_at` is seconds since 1970."""

    sent_at: float
    latency_s: float
    status: int
    error: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def request_id(self) -> str:
        """The id that the gateway gave to the request; empty when the answer names none."""
        return self.headers.get("x-request-id", "")


class OpenLoop:
    """Asks while the block runs; `answers` has everything afterwards.

    Args:
        target: the request, or several that take turns.
        rate: requests per second.
        timeout_s: an answer later than this is counted as lost; the generator waits a second longer, to see it.
        authority: file with the certificate of the authority that the server's certificate is checked against.
        duration_s: end by itself after so long; 0 goes on until the block ends.
        keep_alive: whether connections are used again. A node's proxy spreads connections over pods, not requests: on
            kept ones a pod that is new gets nothing.
    """

    def __init__(
        self,
        target: Target | Sequence[Target],
        rate: int,
        timeout_s: float,
        authority: Path | None = None,
        duration_s: float = 0,
        *,
        keep_alive: bool = True,
    ) -> None:
        self.answers: list[Answer] = []
        self.rate = rate
        self._targets = [target] if isinstance(target, Target) else list(target)
        self._timeout_s = timeout_s
        self._authority = authority
        self._duration_s = duration_s
        self._keep_alive = keep_alive
        self._folder = tempfile.TemporaryDirectory(prefix="open-loop-")
        self._vegeta = built(*_VEGETA)

    def __enter__(self) -> Self:
        options = [f"-rate={self.rate}/s", f"-timeout={self._timeout_s + 1:g}s", f"-duration={self._duration_s:g}s"]
        # HTTP/1.1, as most clients of a model speak it; one HTTP/2 connection would keep one thread of a proxy busy.
        options += ["-format=json", "-http2=false", f"-output={self._raw}"]
        # As many idle connections as Go's own client keeps: a request that meets a connection's end is lost.
        options.append("-connections=2")
        options.append(f"-keepalive={str(self._keep_alive).lower()}")
        if self._authority is not None:
            options.append(f"-root-certs={self._authority}")
        self._process = subprocess.Popen(
            [self._vegeta, "attack", *options], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        for target in self._targets:
            self._process.stdin.write(json.dumps(_line(target)) + "\n")
        self._process.stdin.close()
        self._process.stdin = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._duration_s or kind is not None:
                self._process.send_signal(signal.SIGINT)  # no new request; it waits for the answers to those under way
            _, said = self._process.communicate(timeout=self._duration_s + self._timeout_s + _GRACE_S)
            if self._process.returncode != 0 or said:
                raise RuntimeError(f"vegeta ended with {self._process.returncode}: {said}")
            self.answers = _read(self._vegeta, self._raw)
        finally:
            self._process.kill()
            self._process.wait()
            self._folder.cleanup()
        if kind is None:
            self._check_rate()

    @property
    def pid(self) -> int:
        """The generator's process, whose own use of the processors belongs beside what it measured."""
        return self._process.pid

    @property
    def _raw(self) -> Path:
        return Path(self._folder.name) / "answers.gob"

    def _check_rate(self) -> None:
        if len(self.answers) < 2:
            raise RuntimeError(f"the generator sent {len(self.answers)} requests: too few to speak of a rate")
        took_s = self.answers[-1].sent_at - self.answers[0].sent_at
        sent = (len(self.answers) - 1) / took_s
        if (len(self.answers) - 1) / self.rate < _TOO_SLOW * (took_s - _LATE_S):
            raise RuntimeError(
                f"the generator sent {sent:.0f} requests/s instead of {self.rate}: the machine is too busy to measure"
            )

    def lost(self, right: Callable[[Answer], bool]) -> list[str]:
        """Say of every lost request when and how: no answer, not 200, an answer that is not right, or a late one."""
        begun = self.answers[0].sent_at
        found = []
        for answer in self.answers:
            fault = _fault(answer, self._timeout_s, right)
            if fault:
                found.append(f"{answer.sent_at - begun:.2f} s: {fault}, after {answer.latency_s:.3f} s")
        return found


def percentile(answers: Sequence[Answer], share: float) -> float:
    """The latency in seconds that this share (0..1) of all requests did not exceed."""
    latencies = sorted(answer.latency_s for answer in answers)
    return latencies[min(len(latencies) - 1, int(share * len(latencies)))]


def _fault(answer: Answer, timeout_s: float, right: Callable[[Answer], bool]) -> str:
    if answer.status == 0:
        return f"no answer: {answer.error}"
    if answer.status != 200:
        return f"{answer.status} {answer.body[:200]!r}"
    if answer.error:
        return f"an answer that broke off: {answer.error}"
    if answer.latency_s > timeout_s:
        return "an answer too late"
    return "" if right(answer) else f"a wrong answer: {answer.body[:200]!r}"


def _line(target: Target) -> dict[str, Any]:
    """A request as vegeta takes it."""
    return {
        "method": target.method,
        "url": target.url,
        "body": base64.b64encode(target.body).decode(),
        "header": {name: [value] for name, value in target.headers.items()},
    }


def _read(vegeta: Path, raw: Path) -> list[Answer]:
    """Everything that the generator wrote, in the order in which it was sent."""
    done = subprocess.run([vegeta, "encode", "--to=json", raw], capture_output=True, text=True, timeout=300, check=True)
    return sorted((_answer(json.loads(line)) for line in done.stdout.splitlines()), key=lambda answer: answer.sent_at)


def _answer(line: dict[str, object]) -> Answer:
    headers = line["headers"] or {}
    body = line["body"] or ""
    assert isinstance(headers, dict)
    assert isinstance(body, str)
    return Answer(
        sent_at=datetime.fromisoformat(str(line["timestamp"])).timestamp(),
        latency_s=int(str(line["latency"])) / 1e9,
        status=int(str(line["code"])),
        error=str(line["error"]),
        body=base64.b64decode(body),
        headers={name.lower(): values[0] for name, values in headers.items()},
    )

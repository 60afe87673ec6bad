"""Ask a version its golden request, and judge the answer as the model server itself does."""

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import urllib3
from slipway_server.values.errors import BadRequest
from slipway_server.values.expect import judge
from slipway_server.values.pointer import found_in

from slipway_edge.values.document import Check, canonical

SIZE_LIMIT = 8 * 2**20
"""Longer answers are wrong, bytes."""
_NOT_YET = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """How a golden request ended.

    Attributes:
        took_s: from the request to the end of the answer, seconds.
        reason: why it is wrong; empty: it is right.
        settled: whether it was an answer at all; False: nothing listened, or it said that it is not ready.
    """

    took_s: float
    reason: str
    settled: bool

    @property
    def right(self) -> bool:
        """Whether the answer is the expected one."""
        return not self.reason


class Asker:
    """Asks over HTTP, at an address of this device."""

    def __init__(self) -> None:
        # No proxy, no redirect, no second try: what is measured is one answer of this very container.
        self._pool = urllib3.PoolManager(retries=False, num_pools=4, maxsize=1)

    def ask(self, address: tuple[str, int], check: Check) -> Answer:
        """Ask once; an answer that takes longer than the check allows is none."""
        url = f"http://{address[0]}:{address[1]}{check.path}"
        began = time.monotonic()
        try:
            reply = self._pool.request(
                "POST",
                url,
                body=canonical(check.request),
                headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(total=check.timeout_s),
                redirect=False,
                preload_content=False,
            )
            body = reply.read(SIZE_LIMIT + 1)
            reply.release_conn()
        except urllib3.exceptions.HTTPError as error:
            return Answer(time.monotonic() - began, f"no answer: {type(error).__name__}", settled=False)
        return answered(reply.status, body, time.monotonic() - began, check)


def answered(status: int, body: bytes, took_s: float, check: Check) -> Answer:
    """What an answer over HTTP is as one to the golden request."""
    if status in _NOT_YET:
        return Answer(took_s, f"status {status}", settled=False)
    if status != 200:
        return Answer(took_s, f"status {status}", settled=True)
    if len(body) > SIZE_LIMIT:
        return Answer(took_s, f"an answer of more than {SIZE_LIMIT} bytes", settled=True)
    return Answer(took_s, judged(body, check), settled=True)


def judged(body: bytes, check: Check) -> str:
    """Say why an answer is not the expected one; empty: it is."""
    try:
        answer = json.loads(body)
        pointers = all(name.startswith("/") for name in check.expect)
        outputs = dict(found_in(answer, check.expect)) if pointers else _outputs(answer["outputs"])
    except (ValueError, KeyError, TypeError) as error:
        return f"wrong answer: it has no outputs that can be read ({type(error).__name__})"
    wanted = {
        name: what if isinstance(what, dict) else {"value": what, "tolerance": check.tolerance}
        for name, what in check.expect.items()
    }
    try:
        reason = judge(outputs, wanted)
    except BadRequest as error:
        return f"the expectation is malformed: {error}"
    return f"wrong answer: {reason}" if reason else ""


def _outputs(outputs: Any) -> dict[str, Any]:
    """By name, as nested lists: of POST /predict they are, of the V2 protocol they are flat beside their shape."""
    if isinstance(outputs, dict):
        return outputs
    return {
        one["name"]: np.array(one["data"], dtype=object).reshape(one.get("shape", [-1])).tolist() for one in outputs
    }

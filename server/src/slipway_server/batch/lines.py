"""Read lines of JSON, each a body of POST /predict, and answer each with a line: its answer, or why there is none."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from slipway_server.http.service import Service
from slipway_server.memory.budget import Budget, set_current_lease
from slipway_server.steps.hook import HookFault
from slipway_server.values.errors import BadRequest, Full

_PIECE = 2**20


class Lines:
    """A file of lines. An empty one counts: line `n` of the results is that of line `n` of the input.

    Attributes:
        suffix: of the file and of its parts.
        rows: how many lines it has.
        digest: sha256 of it, in hex.
        refused: of the lines that were answered, those that the model could not.
    """

    suffix = ".jsonl"

    def __init__(self, path: Path, service: Service, budget: Budget, max_bytes: int, timeout_s: float) -> None:
        """Read the file once, for its digest and the number of its lines.

        Args:
            path: of the file.
            service: answers.
            budget: counts what the lines of the moment take of the memory.
            max_bytes: of one line.
            timeout_s: of one line.
        """
        self._service, self._budget = service, budget
        self._max_bytes, self._timeout_s = max_bytes, timeout_s
        self.digest, self.rows = _measured(path)
        self.refused = 0
        self._file: BinaryIO = path.open("rb")
        self._at = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def answer(self, rows: range) -> bytes:
        """Return the results of these lines; each call is for later ones than the one before."""
        while self._at < rows.start:
            self._next()
        answers: list[bytes] = []
        # As many at once as run together: their batch is full, and what they hold is bounded.
        together = max(1, self._service.batcher.batching.max_rows)
        for start in range(rows.start, rows.stop, together):
            lines = [self._next() for _ in range(start, min(start + together, rows.stop))]
            found = await asyncio.gather(*(self._ask(line) for line in lines))
            # For what found no room beside the others there is some now.
            answers += [
                one if one is not None else await self._ask_alone(line) for line, one in zip(lines, found, strict=True)
            ]
        return b"\n".join([*answers, b""])

    def _next(self) -> bytes | None:
        """Return the next line, None for one that is too long, of which no more is read than is allowed."""
        self._at += 1
        line = self._file.readline(self._max_bytes + 1)
        if len(line) <= self._max_bytes or line.endswith(b"\n"):
            return line.rstrip(b"\r\n")
        while line and not line.endswith(b"\n"):
            line = self._file.readline(_PIECE)
        return None

    async def _ask_alone(self, line: bytes | None) -> bytes:
        answer = await self._ask(line)
        return self._refusal("the memory is too small for this line") if answer is None else answer

    async def _ask(self, line: bytes | None) -> bytes | None:
        """Return the answer to a line, None where there is no memory for it beside the others."""
        if line is None:
            return self._refusal(f"the line is too long; allowed: at most {self._max_bytes} bytes")
        lease = self._budget.lease()
        set_current_lease(lease)
        try:
            lease.charge(len(line))
            async with asyncio.timeout(self._timeout_s):
                return (await self._service.predict(line)).body
        except Full:
            return None
        except TimeoutError:
            return self._refusal(f"the model did not answer within {self._timeout_s} s")
        except (BadRequest, HookFault) as error:
            return self._refusal(str(error))
        finally:
            lease.close()

    def _refusal(self, text: str) -> bytes:
        self.refused += 1
        return orjson.dumps({"error": text})


def _measured(path: Path) -> tuple[str, int]:
    """Return the digest of a file and the number of its lines; the last one may have no end."""
    digest, count, last = hashlib.sha256(), 0, b"\n"
    for piece in _pieces(path):
        digest.update(piece)
        count += piece.count(b"\n")
        last = piece[-1:]
    return digest.hexdigest(), count + (last != b"\n")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece

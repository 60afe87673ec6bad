"""Undo the compression of a request's body, and compress an answer for clients that ask for it."""

import asyncio
import zlib
from collections.abc import Callable, Iterator

from starlette.exceptions import HTTPException

from slipway_server.values.errors import BadRequest, show

_ALLOWED = "gzip or deflate"
# Bodies of this size and more are worked on beside the event loop, which all other requests need.
_ASIDE_BYTES = 32 * 1024
_CHUNK_BYTES = 64 * 1024
# What one step yields at most: the sum is looked at between steps, so that a body never unpacks far beyond its limit.
_PIECE_BYTES = 1024 * 1024
# gzip lets parts follow each other. Clients send one; each costs as much as it likes to.
_MAX_PARTS = 1024
# An answer that fits into one packet gains nothing.
_MIN_COMPRESSED_BYTES = 1400
_LEVEL = 1
_GZIP, _ZLIB, _RAW = 31, 15, -15


def request_encoding(header: bytes | None) -> str | None:
    """Return how a body is compressed by its Content-Encoding, None if it is not; 415 for anything unknown."""
    if header is None:
        return None
    encoding = header.decode("latin-1").strip().lower()
    if encoding in ("", "identity"):
        return None
    encoding = {"x-gzip": "gzip"}.get(encoding, encoding)
    if encoding not in ("gzip", "deflate"):
        problem = f"`Content-Encoding` is {show(header.decode('latin-1'))}; allowed: {_ALLOWED}, or none"
        raise HTTPException(415, problem, {"Accept-Encoding": "gzip, deflate"})
    return encoding


async def inflated(data: bytes, encoding: str, hold: Callable[[int, int], None]) -> bytes:
    """Return the body in compressed `data`.

    Args:
        data: the compressed body.
        encoding: gzip, or deflate (with zlib's header, as the standard says, or without, as some send it).
        hold: called with the size of each piece and of what came before it; raises when that is too much.

    Raises:
        BadRequest: damaged, cut off, or followed by something else.
    """
    pieces: list[bytes] = []
    size = 0
    steps = _inflate(data, encoding)
    # A small body unpacks to _PIECE_BYTES at most in its first step, and nearly always to far less.
    piece = next(steps, None) if len(data) < _ASIDE_BYTES else await asyncio.to_thread(next, steps, None)
    while piece is not None:
        hold(len(piece), size)
        size += len(piece)
        pieces.append(piece)
        aside = len(data) >= _ASIDE_BYTES or size >= _ASIDE_BYTES
        piece = await asyncio.to_thread(next, steps, None) if aside else next(steps, None)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _inflate(data: bytes, encoding: str) -> Iterator[bytes]:
    position = parts = 0
    try:
        while position < len(data) or parts == 0:
            if parts == (_MAX_PARTS if encoding == "gzip" else 1):
                raise _damaged(encoding, "more follows after its end")
            parts += 1
            window = _GZIP if encoding == "gzip" else _deflate_window(data)
            inflater = zlib.decompressobj(window)
            while not inflater.eof:
                pending = inflater.unconsumed_tail
                if not pending:
                    pending = data[position : position + _CHUNK_BYTES]
                    position += len(pending)
                piece = inflater.decompress(pending, _PIECE_BYTES)
                if piece:
                    yield piece
                elif not pending and not inflater.eof:
                    raise _damaged(encoding, "it ends too early")
            position -= len(inflater.unused_data)
    except zlib.error as error:
        raise _damaged(encoding, str(error)) from None


def _deflate_window(data: bytes) -> int:
    """Return zlib's parameter for a body with its header, or for one without, which many call deflate, too."""
    has_header = len(data) >= 2 and data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return _ZLIB if has_header else _RAW


def _damaged(encoding: str, reason: str) -> BadRequest:
    return BadRequest("body", f"is no {encoding}, though `Content-Encoding` says so: {reason}", _ALLOWED)


def answer_encoding(body: bytes, accept: bytes | None) -> str | None:
    """Return how an answer is compressed: as its Accept-Encoding asks, and None for a small one."""
    if accept is None or len(body) < _MIN_COMPRESSED_BYTES:
        return None
    return accepted_encoding(accept.decode("latin-1"))


async def deflated(body: bytes, encoding: str) -> bytes:
    """Return the answer's body compressed."""
    window = _GZIP if encoding == "gzip" else _ZLIB
    if len(body) < _ASIDE_BYTES:
        return zlib.compress(body, _LEVEL, window)
    return await asyncio.to_thread(zlib.compress, body, _LEVEL, window)


def accepted_encoding(header: str) -> str | None:
    """Return the encoding that an Accept-Encoding prefers: gzip, deflate, or None for neither."""
    weights: dict[str, float] = {}
    for item in header.lower().split(","):
        coding, _, parameter = item.partition(";")
        name, _, value = parameter.partition("=")
        weights[coding.strip()] = _weight(value.strip()) if name.strip() == "q" else 1.0
    best = max(("gzip", "deflate"), key=lambda coding: _of(weights, coding))
    return best if _of(weights, best) > 0 else None


def _of(weights: dict[str, float], coding: str) -> float:
    return weights.get(coding, weights.get("x-" + coding, weights.get("*", 0.0)))


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0

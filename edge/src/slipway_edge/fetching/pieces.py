"""Cut a file into pieces that are verified by themselves: what was cut off costs a piece at most."""

import hashlib
from collections.abc import Iterator

from slipway_edge.values.document import WeightsFile

PIECE = 4 * 2**20
"""Bytes. SD cards write allocation units of up to 4 MiB (SDHC; SD Physical Layer Specification, AU_SIZE): smaller
pieces, each synced, would have them written again and again. One that is lost costs 4 s of a link of 1 MiB/s."""
_DIGEST = hashlib.sha256().digest_size


def count(size: int) -> int:
    """How many pieces a file of so many bytes has."""
    return -(-size // PIECE)


def bounds(size: int, number: int) -> tuple[int, int]:
    """Where a piece begins, and where the next one would."""
    return number * PIECE, min(size, (number + 1) * PIECE)


def list_bytes(file: WeightsFile) -> int:
    """Bytes of the list of a file's pieces; 0: it has none."""
    return 0 if file.pieces is None else count(file.bytes) * _DIGEST


def digests(file: WeightsFile, listed: bytes) -> list[bytes]:
    """The SHA-256 of each piece; `listed`: one after the other, 32 bytes each, of a file that has a list."""
    if file.pieces is None:
        return [bytes.fromhex(file.sha256)]
    return [listed[at : at + _DIGEST] for at in range(0, len(listed), _DIGEST)]


def is_list(file: WeightsFile, listed: bytes) -> bool:
    """Whether these bytes are the list of a file's pieces."""
    return len(listed) == list_bytes(file) and hashlib.sha256(listed).hexdigest() == file.pieces


def as_listed(blocks: Iterator[bytes]) -> bytes:
    """The list of the pieces of what is in these blocks, none longer than a piece and all but the last full."""
    return b"".join(hashlib.sha256(block).digest() for block in blocks)

"""Recognise pickles by their opcodes, also compressed ones, without unpickling anything."""

import bz2
import gzip
import io
import lzma
import mmap
import pickletools
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

_OPCODES = 64
"""As many say whether something is a pickle: no text or image is that many opcodes with all their arguments."""
_HEAD = 1 << 16
_JOBLIB = b"joblib.numpy_pickle"


def _zlib_head(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _HEAD)


def _bz2_head(data: bytes) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, _HEAD)


def _xz_head(data: bytes) -> bytes:
    return lzma.LZMADecompressor().decompress(data, _HEAD)


def _gzip_head(data: bytes) -> bytes:
    return gzip.GzipFile(fileobj=io.BytesIO(data)).read1(_HEAD)


_COMPRESSED: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": _gzip_head,
    b"BZh": _bz2_head,
    b"\xfd7zXZ": _xz_head,
    b"\x5d\x00\x00": _xz_head,
    b"\x78": _zlib_head,
}
"""How joblib compresses, by the first bytes, https://joblib.readthedocs.io (`joblib.dump`)."""


def pickle_format(path: Path, head: bytes) -> str | None:
    """`pickle` or `joblib` for a file whose first bytes are `head`; None if it is no pickle."""
    if is_pickle(head):
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return "joblib" if data.find(_JOBLIB) >= 0 else "pickle"
    decompress = next((way for magic, way in _COMPRESSED.items() if head.startswith(magic)), None)
    if decompress is None:
        return None
    with path.open("rb") as stream:
        begin = stream.read(_HEAD)
    try:
        return "joblib" if is_pickle(decompress(begin)) else None
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
        return None


def is_pickle(head: bytes) -> bool:
    """Whether bytes are the beginning of a pickle: opcodes one after another, up to its end or for a while."""
    count = 0
    try:
        for opcode, _, _ in pickletools.genops(io.BytesIO(head)):
            count += 1
            if opcode.name == "STOP":
                return count > 2
            if count >= _OPCODES:
                return True
    except (ValueError, IndexError, UnicodeDecodeError, OverflowError):
        # Cut off in the middle of an argument: binary protocols say at their start which they are.
        return count >= 2 and head[:1] == b"\x80" and 2 <= head[1] <= 5
    return False

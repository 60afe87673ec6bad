"""Read the lines of a file that may be compressed with gzip, each with its number, within limits."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from slipway.errors.base import FileRefused, SyntaxRefused
from slipway.reading.files import BadFile, open_regular

KIND = "a CSV file, an access log or one JSON object a line; each may be compressed with gzip"
_LONGEST = 65_536
_GZIP = b"\x1f\x8b"


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty, without their ends, and the number of each, from 1.

    Raises:
        FileRefused: it cannot be read.
        SyntaxRefused: a line is longer than 64 KiB.
    """
    try:
        with open_regular(path, KIND) as file:
            for number, line in enumerate(_raw(file), 1):
                if len(line) >= _LONGEST and not line.endswith(b"\n"):
                    problem = f"has more than {_LONGEST:,} characters"
                    raise SyntaxRefused(str(path), number, problem, KIND, "name a file of text")
                text = line.decode("utf-8", errors="replace").strip("\r\n\ufeff ")
                if text:
                    yield number, text
    except BadFile as error:
        raise FileRefused(str(path), error.problem, error.allowed, error.todo) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        problem = f"its compressed data is damaged: {error}"
        raise FileRefused(str(path), problem, KIND, "copy it again, whole") from None


def _raw(file: BufferedReader) -> Iterator[bytes]:
    packed = file.peek(len(_GZIP)).startswith(_GZIP)
    with gzip.open(file) if packed else file as source:
        while line := source.readline(_LONGEST):
            yield line

"""Find the weights of a language model: a GGUF file, and the files of its adapters."""

from pathlib import Path

from slipway.artifacts.onnx import Fetched, Found
from slipway.artifacts.unread import find_unread
from slipway.reading.files import BadFile, inside, open_regular, refuse_pointer

FETCHED_FILE = "model.gguf"
"""In images, of a file that was fetched: the same bytes are the same release, wherever they came from."""
_KIND = "a GGUF file"
_HEAD = 1024
_VERSIONS = (2, 3)


def find_gguf(path: Path, root: Path, fetched: Fetched | None = None) -> Found:
    """Find the weights at `path`; links may not lead out of `root`. Raises `BadFile`."""
    _looked_at(path, root)
    return find_unread(path, root, FETCHED_FILE if fetched else path.name)


def find_adapter(path: Path, root: Path) -> tuple[Path, int]:
    """Where the file of an adapter is, and its bytes; raises as `find_gguf`."""
    return _looked_at(path, root)


def _looked_at(path: Path, root: Path) -> tuple[Path, int]:
    real = inside(path, root)
    with open_regular(real, _KIND) as stream:
        head = stream.read(_HEAD)
    refuse_pointer(head, _KIND)
    todo = "convert the model by llama.cpp's own converter (convert_hf_to_gguf.py)"
    if not head.startswith(b"GGUF"):
        raise BadFile(f"is no GGUF file: it begins with {head[:4]!r}", _KIND, todo)
    version = int.from_bytes(head[4:8], "little")
    if version not in _VERSIONS:
        raise BadFile(f"has version {version} of GGUF", "version 2 or 3, little-endian", todo)
    return real, real.stat().st_size

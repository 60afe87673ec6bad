"""Find weights that nobody looks into here: a file of which only size and digest are known."""

from pathlib import Path

from slipway_server.values.signature import Signature

from slipway.artifacts.onnx import ArtifactFile, Found
from slipway.reading.digests import sha256_of
from slipway.reading.files import BadFile, inside, open_regular, refuse_pointer

UNKNOWN = Signature((), (), {})
"""Of a model whose inputs and outputs its file does not say."""
_WEIGHTS = "a file of weights"
_POINTER_BYTES = 1024


def find_unread(path: Path, root: Path, name: str) -> Found:
    """Find weights that are one regular file.

    Args:
        path: the file.
        root: folder that links may not lead out of.
        name: that the file has in the image.

    Raises:
        BadFile: missing, not readable, empty, or a pointer to the file itself.
    """
    real = inside(path, root)
    with open_regular(real, _WEIGHTS) as stream:
        refuse_pointer(stream.read(_POINTER_BYTES), _WEIGHTS)
    size = real.stat().st_size
    if size == 0:
        raise BadFile("is empty", _WEIGHTS, "write the weights into it")
    file = ArtifactFile(name, real, size, sha256_of(real, _WEIGHTS))
    return Found(file, {}, size, UNKNOWN, (), None)

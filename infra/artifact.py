"""Read an ONNX file's signature, digest and size, without a runtime and without its external data in memory."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING

from slipway_server.signature import Signature, Tensor, dtype_of

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto

SERVER_BYTES = 128 * 2**20
WEIGHTS_FACTOR = 2.0
ONNX_LIMIT = 2**31 - 1
"""Protobuf's own limit on one message; larger models keep their weights in files beside it (external data)."""


class NotAnArtifact(ValueError):
    """The file cannot be served: what is wrong with it, what is allowed, what to do next."""

    def __init__(self, problem: str, allowed: str, todo: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.allowed = allowed
        self.todo = todo


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file of the weights: its path relative to the ONNX file's folder, where it is, its size in bytes."""

    name: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """The weights of a model: the ONNX file first, then its external data.

    Attributes:
        files: everything that goes into the image.
        size: bytes of all files together.
        sha256: of the ONNX file if it is alone, else of the names and digests of all.
        signature: what the model takes and gives.
    """

    files: tuple[ArtifactFile, ...]
    size: int
    sha256: str
    signature: Signature


def needed_memory(artifact_bytes: int) -> int:
    """Bytes that a replica needs to load weights of `artifact_bytes` and answer: a lower bound, not a forecast.

    While ONNX Runtime loads, the parsed file and the session's own copy of the weights are there together. The
    measurement behind the two constants is in docs/spec.md.
    """
    return SERVER_BYTES + int(WEIGHTS_FACTOR * artifact_bytes)


def read_artifact(path: Path) -> Artifact:
    """Read the ONNX file at `path`; files that did not change are read once per process.

    Raises:
        NotAnArtifact: missing, not readable, not ONNX, or external data that is not there.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        todo = "correct the path, or make the file (models/ may have a script that trains or fetches it)"
        raise NotAnArtifact("does not exist", "an ONNX file", todo) from None
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    if S_ISDIR(status.st_mode):
        raise NotAnArtifact("is a folder", "an ONNX file", "name the file in it")
    if not S_ISREG(status.st_mode):
        raise NotAnArtifact("is not a regular file", "an ONNX file", "name a file")
    if status.st_size == 0:
        raise NotAnArtifact("is empty", "an ONNX file", "export the model again")
    if status.st_size > ONNX_LIMIT:
        allowed = "an ONNX file under 2 GiB, with larger weights as external data beside it"
        raise NotAnArtifact(f"has {status.st_size} bytes", allowed, "export it with external data")
    graph = _read(path, status.st_size, status.st_mtime_ns)
    files = (ArtifactFile(path.name, path, status.st_size), *_external(graph.ends, path.parent))
    digests = [graph.sha256, *(_sha256(file) for file in files[1:])]
    together = "".join(f"{file.name}\0{digest}\0" for file, digest in zip(files, digests, strict=True))
    sha256 = digests[0] if len(files) == 1 else hashlib.sha256(together.encode()).hexdigest()
    return Artifact(files, sum(file.size for file in files), sha256, graph.signature)


def _unreadable(error: Exception) -> NotAnArtifact:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return NotAnArtifact(f"cannot be read: {reason}", "an ONNX file", "correct its name or permissions")


@dataclass(frozen=True, slots=True)
class _Graph:
    """What an ONNX file itself says; `ends`: for each file of external data, how long it is at least."""

    signature: Signature
    sha256: str
    ends: Mapping[str, int]


@lru_cache(maxsize=4096)
def _read(path: Path, size: int, mtime_ns: int) -> _Graph:  # noqa: ARG001 - size and time are keys of the cache
    import onnx  # noqa: PLC0415 - takes longer to import than all the rest of `slipway --help`
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    try:
        data = path.read_bytes()
        model = onnx.load_model_from_string(data)
    except OSError as error:
        raise _unreadable(error) from None
    except DecodeError:
        raise NotAnArtifact("is not ONNX", "an ONNX file", "export the model to ONNX") from None
    if not model.ir_version or not model.graph.output:
        raise NotAnArtifact("is not ONNX: it has no graph with outputs", "an ONNX file", "export the model to ONNX")
    return _Graph(_signature(model), hashlib.sha256(data).hexdigest(), _ends(model.graph))


def _sha256(file: ArtifactFile) -> str:
    try:
        return _sha256_of(file.path, file.size, file.path.stat().st_mtime_ns)
    except OSError as error:
        raise _unreadable(error) from None


@lru_cache(maxsize=4096)
def _sha256_of(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - size and time are keys of the cache
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _signature(model: "ModelProto") -> Signature:
    weights = {tensor.name for tensor in model.graph.initializer}
    # Before ONNX's IR version 4 every weight was listed as an input, too.
    inputs = tuple(_tensor(value) for value in model.graph.input if value.name not in weights)
    outputs = tuple(_tensor(value) for value in model.graph.output)
    return Signature(inputs, outputs, {_text(entry.key): _text(entry.value) for entry in model.metadata_props})


def _tensor(value: "ValueInfoProto") -> Tensor:
    from onnx import TensorProto  # noqa: PLC0415 - see _read

    allowed = "inputs and outputs that are tensors of a known rank"
    if value.type.WhichOneof("value") != "tensor_type":
        kind = value.type.WhichOneof("value") or "nothing"
        todo = "export it with tensors (a classifier of scikit-learn with zipmap=False)"
        raise NotAnArtifact(f"has {value.name!r} of type {kind}", allowed, todo)
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise NotAnArtifact(f"has {value.name!r} of unknown rank", allowed, "export it with shapes")
    try:
        dtype = dtype_of(TensorProto.DataType.Name(tensor.elem_type).lower())
    except ValueError as error:
        raise NotAnArtifact(f"has {value.name!r}: {error}", allowed, "export it with another type") from None
    dims = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in tensor.shape.dim)
    return Tensor(_text(value.name), dtype, dims)


def _text(value: str | bytes) -> str:
    """A string of the file; protobuf gives bytes where it is not UTF-8."""
    if isinstance(value, bytes):
        raise NotAnArtifact(f"has {value!r} for a text", "an ONNX file with names in UTF-8", "export the model again")
    return value


def _tensors(graph: "GraphProto") -> "Iterator[TensorProto]":
    """All weights of a graph and of the graphs inside its nodes (the branches of an If, the body of a Loop)."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _tensors(inner)


def _ends(graph: "GraphProto") -> dict[str, int]:
    """The files of external data that a graph's weights are in, and where in each the last of them ends."""
    from onnx import TensorProto  # noqa: PLC0415 - see _read

    ends: dict[str, int] = {}
    for tensor in _tensors(graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            entry = {_text(item.key): _text(item.value) for item in tensor.external_data}
            name = entry.get("location", "")
            end = sum(_number(entry.get(key, "")) for key in ("offset", "length"))
            ends[name] = max(ends.get(name, 0), end)
    return ends


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _size(path: Path) -> int | None:
    """A regular file's size; None if there is none, or the name is no name."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size if S_ISREG(status.st_mode) else None


def _external(ends: Mapping[str, int], folder: Path) -> Iterator[ArtifactFile]:
    """The files of external data, each beside the ONNX file and large enough for what should be in it."""
    for name, end in sorted(ends.items()):
        path = folder / name
        if not name or name.startswith("/") or ".." in Path(name).parts:
            allowed = "external data beside the ONNX file"
            raise NotAnArtifact(f"has external data at {name!r}", allowed, "export it into the same folder")
        size = _size(path)
        if size is None or size < end:
            problem = "is not there" if size is None else f"has fewer than {end} bytes"
            allowed = "an ONNX file with all its external data beside it"
            raise NotAnArtifact(f"has external data in {name!r}, which {problem}", allowed, "copy that file, too")
        yield ArtifactFile(name, path, size)

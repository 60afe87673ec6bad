"""Read a model's weights: an ONNX file's signature, digest and size, without its external data in memory."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

from slipway_server.values.signature import Signature

from slipway.reading.digests import sha256_of
from slipway.reading.files import BadFile, inside, not_regular, open_regular, refuse_pointer

ONNX_LIMIT = 2**31 - 1
"""Protobuf's own limit on one message; larger models keep their weights in files beside it (external data)."""
_ONNX = "an ONNX file"
_EXTERNAL = "an ONNX file with all its external data beside it"
_POINTER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file of the weights: path relative to the ONNX file's folder, where it is, size in bytes, sha256 in hex."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """The weights of a model: the ONNX file first, then its external data.

    Attributes:
        files: everything that goes into the image.
        size: bytes of all files together.
        sha256: of the ONNX file if it is alone, else of the names and digests of all.
        signature: what the model takes and gives.
        architecture: digest of its operators and how they are wired, see `slipway.onnx_file.architecture`; None: not
            known, of a pipeline, or where a lock does not say it.
    """

    files: tuple[ArtifactFile, ...]
    size: int
    sha256: str
    signature: Signature
    architecture: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Weights that were fetched into this machine's cache, where every file is named by its digest.

    Attributes:
        external: where each file of external data is, by path relative to the ONNX file's folder.
        root: folder that all of them are below.
    """

    external: Mapping[str, Path]
    root: Path


@dataclass(frozen=True, slots=True)
class Found:
    """The weights of a model before their bytes are read, which takes a second for each gigabyte.

    Attributes:
        onnx: the ONNX file.
        external: the external data, by path relative to the ONNX file's folder: where it is, and its size in bytes.
        size: bytes of all files together.
        signature: what the model takes and gives.
        random: names of its operators whose output differs each time, sorted.
        architecture: see `Artifact`.
        known: digests of external data that a lock says, so that nobody has to read them.
    """

    onnx: ArtifactFile
    external: Mapping[str, tuple[Path, int]]
    size: int
    signature: Signature
    random: tuple[str, ...]
    architecture: str | None
    known: Mapping[str, str] = field(default_factory=dict)

    def digested(self) -> Artifact:
        """Read every byte whose digest is not known; files that did not change are read once per process.

        Raises:
            BadFile: a file cannot be read.
        """
        external = (
            ArtifactFile(name, path, size, self.known.get(name) or sha256_of(path, _EXTERNAL))
            for name, (path, size) in self.external.items()
        )
        files = (self.onnx, *external)
        sha256 = digest_of_files((file.name, file.sha256) for file in files)
        return Artifact(files, self.size, sha256, self.signature, self.architecture)


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """The digest of weights by names and digests of their files: that of the ONNX file itself if it is alone."""
    named = list(files)
    together = "".join(f"{name}\0{sha256}\0" for name, sha256 in named)
    return named[0][1] if len(named) == 1 else hashlib.sha256(together.encode()).hexdigest()


FETCHED_NAME = "model.onnx"
"""In images, of an ONNX file that was fetched: the same bytes are the same release, wherever they came from."""


def find_artifact(path: Path, root: Path, fetched: Fetched | None = None) -> Found:
    """Find the weights whose ONNX file is at `path`; one that did not change is read once per process.

    Args:
        path: the ONNX file. Its own name, and those of its external data, are their names in the image.
        root: folder that links may not lead out of.
        fetched: for weights that are not in the repository. `path` and `root` are then of the cache.

    Raises:
        BadFile: missing, not readable, not ONNX, what the image's ONNX Runtime would not load, or external data that is
            not there.
    """
    real = inside(path, root)
    try:
        status = real.stat()
    except FileNotFoundError:
        todo = "correct the path, or make the file (models/ may have a script that trains or fetches it)"
        raise BadFile("does not exist", _ONNX, todo) from None
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    if not S_ISREG(status.st_mode):
        raise not_regular(status.st_mode, _ONNX)
    if status.st_size == 0:
        raise BadFile("is empty", _ONNX, "export the model again")
    if status.st_size > ONNX_LIMIT:
        allowed = "an ONNX file under 2 GiB, with larger weights as external data beside it"
        raise BadFile(f"has {status.st_size} bytes", allowed, "export it with external data")
    graph = _read(real, status.st_size, status.st_mtime_ns)
    name = FETCHED_NAME if fetched else path.name
    external = dict(_external(graph.ends, name, lambda beside: _beside(beside, path, root, fetched)))
    size = status.st_size + sum(size for _, size in external.values())
    onnx = ArtifactFile(name, real, status.st_size, graph.sha256)
    return Found(onnx, external, size, graph.signature, graph.random, graph.architecture)


def _beside(name: str, onnx: Path, root: Path, fetched: Fetched | None) -> Path:
    """Where a file of external data is."""
    if fetched is None:
        return inside(onnx.parent / name, root)
    if name == FETCHED_NAME:
        raise BadFile(f"is named {name} itself", "another name for external data", "export the model again")
    if name not in fetched.external:
        allowed = "each file of external data, with its sha256, in artifact.external_data"
        raise BadFile("is not fetched", allowed, f"add it to artifact.external_data: {{{name}: SHA256}}")
    return inside(fetched.external[name], fetched.root)


def read_artifact(path: Path, root: Path) -> Artifact:
    """Find the weights and read every byte of them; arguments and errors as of `find_artifact`."""
    return find_artifact(path, root).digested()


def _unreadable(error: Exception) -> BadFile:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BadFile(f"cannot be read: {reason}", _ONNX, "correct its name or permissions")


@dataclass(frozen=True, slots=True)
class Graph:
    """What an ONNX file itself says; `ends`: for each file of external data, how long it is at least."""

    signature: Signature
    sha256: str
    ends: Mapping[str, int]
    random: tuple[str, ...]
    architecture: str


@lru_cache(maxsize=4096)
def _read(path: Path, size: int, mtime_ns: int) -> Graph:  # noqa: ARG001 - size and time are keys of the cache
    with open_regular(path, _ONNX) as stream:
        data = stream.read(ONNX_LIMIT + 1)
    return read_graph(data)


def read_graph(data: bytes) -> Graph:
    """What the bytes of an ONNX file say; raises `BadFile` as `find_artifact`."""
    import onnx  # noqa: PLC0415 - takes longer to import than all the rest of `slipway --help`
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    from slipway.onnx_file.architecture import architecture  # noqa: PLC0415 - imports onnx
    from slipway.onnx_file.chance import random_operators  # noqa: PLC0415
    from slipway.onnx_file.limits import refuse_unsupported  # noqa: PLC0415
    from slipway.onnx_file.signature import signature  # noqa: PLC0415
    from slipway.onnx_file.texts import broken_text  # noqa: PLC0415
    from slipway.onnx_file.weights import external_ends  # noqa: PLC0415
    from slipway.onnx_file.wiring import refuse_miswired  # noqa: PLC0415

    refuse_pointer(data, _ONNX)
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise BadFile("is not ONNX", _ONNX, "export the model to ONNX") from None
    if not model.ir_version or not model.graph.output:
        raise BadFile("is not ONNX: it has no graph with outputs", _ONNX, "export the model to ONNX")
    try:
        refuse_unsupported(model)
        refuse_miswired(model)
        if (problem := broken_text(model)) is not None:
            raise BadFile(problem, "text in UTF-8", "export the model again with its labels in UTF-8")
        ends = external_ends(model)  # before the signature, which makes the model smaller
        random = random_operators(model)
        wired = architecture(model)
        return Graph(signature(model), hashlib.sha256(data).hexdigest(), ends, random, wired)
    except UnicodeDecodeError:
        raise BadFile("has names that are not UTF-8", _ONNX, "export the model again") from None


def _external(
    ends: Mapping[str, int], onnx: str, where: Callable[[str], Path]
) -> Iterator[tuple[str, tuple[Path, int]]]:
    """The files of external data, each large enough for what should be in it; `onnx`: the ONNX file's own name."""
    for name, end in sorted(ends.items()):
        try:
            path = where(name)
            size = _size(path)
        except BadFile as error:
            raise BadFile(f"has external data in {name!r}, which {error.problem}", error.allowed, error.todo) from None
        if size < end:
            problem = f"has external data in {name!r}, which has fewer than {end} bytes"
            raise BadFile(problem, _EXTERNAL, "copy that file, too")
        if name != onnx:
            yield name, (path, size)


def _size(path: Path) -> int:
    """A regular file's size."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        raise BadFile("is not there", _EXTERNAL, "copy that file, too") from None
    if not S_ISREG(status.st_mode):
        problem = not_regular(status.st_mode, _EXTERNAL).problem
        raise BadFile(problem, _EXTERNAL, "put the file itself there")
    if status.st_size < _POINTER_BYTES:
        with open_regular(path, _EXTERNAL) as stream:
            refuse_pointer(stream.read(_POINTER_BYTES), _EXTERNAL)
    return status.st_size

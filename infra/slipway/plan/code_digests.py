"""Digest what Slipway itself puts into every image and manifest, so that a change of it is a new release."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.registry import RUNTIMES

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = ROOT / "templates"


@dataclass(frozen=True, slots=True)
class CodeDigests:
    """sha256, in hex, of the files of this installation that go into the images of one runtime.

    Attributes:
        requirements: of the file of locked requirements.
        server: of each file of the server's code, by its path in the folder of the code.
    """

    requirements: str
    server: Mapping[str, str]


@lru_cache(maxsize=1)
def code_digests() -> Mapping[str, CodeDigests]:
    """Digest the files of this installation, by runtime; once per process."""
    return {name: _digests(runtime.image) for name, runtime in RUNTIMES.items()}


def _digests(image: ImageRecipe) -> CodeDigests:
    requirements, source = ROOT / image.requirements, ROOT / image.source
    server = _sha256(source.rglob("*"))
    return CodeDigests(
        requirements=_sha256([requirements])[requirements],
        server={path.relative_to(source).as_posix(): digest for path, digest in server.items()},
    )


def _sha256(paths: Iterable[Path]) -> dict[Path, str]:
    """The digest of each file; compiled ones are left out, since they come and go."""
    files = (path for path in paths if path.is_file() and path.suffix != ".pyc")
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

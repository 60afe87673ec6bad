"""Digest what Slipway itself puts into every image and manifest, so that a change of it is a new release."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVER_SOURCE = ROOT / "server" / "src" / "slipway_server"
REQUIREMENTS = ROOT / "server" / "requirements.txt"
TEMPLATES = ROOT / "templates"


@dataclass(frozen=True, slots=True)
class CodeDigests:
    """sha256, in hex, of what Slipway itself adds to images and manifests.

    Attributes:
        image: of the server, its locked requirements and the Dockerfiles.
        manifests: of templates and the modules that fill them.
        requirements: of the file of locked requirements.
        runtime: of the runtime's Dockerfile.
        server: of each file of the server's code, by its path in SERVER_SOURCE.
    """

    image: str
    manifests: str
    requirements: str
    runtime: str
    server: Mapping[str, str]


@lru_cache(maxsize=1)
def code_digests() -> CodeDigests:
    """Digest the files of this installation, once per process."""
    server = _sha256(SERVER_SOURCE.rglob("*"))
    requirements = _sha256([REQUIREMENTS])
    modules = [
        ROOT / "infra" / f"{name}.py" for name in ("names", "placement", "plan", "quantities", "render", "versions")
    ]
    return CodeDigests(
        image=_digest(server | requirements | _sha256((TEMPLATES / "image").rglob("*"))),
        manifests=_digest(_sha256([*(TEMPLATES / "kubernetes").rglob("*"), *modules])),
        requirements=requirements[REQUIREMENTS],
        runtime=_digest(_sha256([TEMPLATES / "image" / "runtime.Dockerfile.j2"])),
        server={path.relative_to(SERVER_SOURCE).as_posix(): digest for path, digest in server.items()},
    )


def _sha256(paths: Iterable[Path]) -> dict[Path, str]:
    """The digest of each file; compiled ones are left out, since they come and go."""
    files = (path for path in paths if path.is_file() and path.suffix != ".pyc")
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _digest(files: Mapping[Path, str]) -> str:
    """One digest of names and digests."""
    lines = (f"{path.relative_to(ROOT)}\0{files[path]}\n" for path in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()

"""Digest what Slipway itself puts into every image and manifest, so that a change of it is a new release."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVER_SOURCE = ROOT / "server" / "src" / "slipway_server"
REQUIREMENTS = ROOT / "server" / "requirements.txt"
TEMPLATES = ROOT / "templates"


@dataclass(frozen=True, slots=True)
class CodeDigests:
    """sha256, in hex, of what makes an image (server, its locked requirements, Dockerfile) and of what makes
    manifests (templates and the modules that fill them); of the locked requirements; of the runtime's Dockerfile."""

    image: str
    manifests: str
    requirements: str
    runtime: str


@lru_cache(maxsize=1)
def code_digests() -> CodeDigests:
    """Digest the files of this installation, once per process."""
    image = [*SERVER_SOURCE.rglob("*"), REQUIREMENTS, *(TEMPLATES / "image").rglob("*")]
    modules = [
        ROOT / "infra" / f"{name}.py" for name in ("names", "placement", "plan", "quantities", "render", "versions")
    ]
    return CodeDigests(
        image=_digest(image),
        manifests=_digest([*(TEMPLATES / "kubernetes").rglob("*"), *modules]),
        requirements=_digest([REQUIREMENTS]),
        runtime=_digest([TEMPLATES / "image" / "runtime.Dockerfile.j2"]),
    )


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()

"""Find the files that an image is built from: inside the folder, not left out, none of them a secret, bounded."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.dockerfile.ignore import BadPattern, Ignored, parse_ignore
from slipway.reading.digests import sha256_of
from slipway.reading.files import BadFile, inside, open_inside, open_regular

CONTEXT_MOST = 256 * 2**20
FILES_MOST = 10_000
DEPTH_MOST = 32
IGNORE = ".dockerignore"
_IGNORE_MOST = 64 * 2**10
_TEXT_MOST = 256 * 2**10
_KIND = "a file of the build context"
_SECRETS = re.compile(
    r"\.env(?:\..+)?|\.netrc|_netrc|\.pgpass|\.pypirc|\.npmrc|\.git-credentials|\.dockercfg|\.htpasswd|"
    r"id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:key|p12|pfx|jks|keystore|kdbx)|kubeconfig|terraform\.tfstate",
    re.IGNORECASE,
)
_EXAMPLES = re.compile(r"\.env\.(?:example|sample|template|dist)", re.IGNORECASE)
_SECRET_FOLDERS = (".git", ".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure")
_PRIVATE = b"PRIVATE KEY-----"
_LOOKED_AT = 64 * 2**10


@dataclass(frozen=True, slots=True)
class ContextFile:
    """A file of a build context: where it is, its sha256 in hex, and whether it may be run."""

    path: Path
    sha256: str
    executable: bool


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What an image is built from.

    Attributes:
        files: by path below the folder, with `/`.
        dockerfile: text of the Dockerfile.
        size: bytes of all files.
    """

    files: Mapping[str, ContextFile]
    dockerfile: str = field(repr=False)
    size: int


def read_context(folder: Path, dockerfile: str, root: Path) -> BuildContext:
    """Read a build context.

    Args:
        folder: of it.
        dockerfile: the Dockerfile's path below the folder; it need not be a part of what is built from.
        root: folder that nothing may lead out of.

    Raises:
        BadFile: it is not there, too large, leads out, or holds what looks like a secret.
    """
    top = inside(folder, root)
    if not top.is_dir():
        problem = "does not exist" if not top.exists() else "is not a folder"
        raise BadFile(problem, "a folder with a Dockerfile", "correct the path")
    text = _dockerfile(folder / dockerfile, dockerfile, top)
    ignored = _ignored(folder, top)
    files: dict[str, ContextFile] = {}
    size = 0
    for name, path in _walk(top, "", ignored, 0):
        size += path.stat().st_size
        if len(files) >= FILES_MOST or size > CONTEXT_MOST:
            many = f"{FILES_MOST} files" if len(files) >= FILES_MOST else f"{CONTEXT_MOST // 2**20}Mi"
            todo = f"leave out what the image does not need, in {IGNORE}; weights are given by artifact"
            raise BadFile(f"has more than {many}", f"{FILES_MOST} files and {CONTEXT_MOST // 2**20}Mi at most", todo)
        _refuse_secret(name, path)
        try:
            files[name] = ContextFile(path, sha256_of(path, _KIND), bool(path.stat().st_mode & 0o100))
        except BadFile as error:
            raise BadFile(f"has {name}, which {error.problem}", error.allowed, error.todo) from None
    return BuildContext(files, text, size)


def _dockerfile(path: Path, name: str, top: Path) -> str:
    kind = "a Dockerfile"
    try:
        with open_inside(path, top, kind) as stream:
            data = stream.read(_TEXT_MOST + 1)
    except BadFile as error:
        raise BadFile(f"has {name}, which {error.problem}", error.allowed, error.todo) from None
    return _text(data, name, _TEXT_MOST)


def _ignored(folder: Path, top: Path) -> Ignored:
    path = folder / IGNORE
    if not os.path.lexists(path):
        return Ignored()
    try:
        with open_inside(path, top, f"a {IGNORE}") as stream:
            data = stream.read(_IGNORE_MOST + 1)
        return parse_ignore(_text(data, IGNORE, _IGNORE_MOST))
    except BadPattern as error:
        problem = f"has {IGNORE}, which in line {error.line} {error}"
        raise BadFile(problem, "patterns as Docker reads them", "correct the line") from None


def _text(data: bytes, name: str, most: int) -> str:
    if len(data) > most:
        raise BadFile(f"has {name} of more than {most // 2**10}Ki", f"{most // 2**10}Ki at most", "shorten it")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadFile(f"has {name}, which is not text in UTF-8", "text in UTF-8", "save it so") from None


def _walk(folder: Path, above: str, ignored: Ignored, depth: int) -> Iterator[tuple[str, Path]]:
    """Every file that is built from, in the order of names: its path below the context, and where it really is."""
    if depth > DEPTH_MOST:
        raise BadFile(f"has folders below one another, {above}", f"{DEPTH_MOST} at most", f"leave it out, in {IGNORE}")
    try:
        entries = sorted(os.scandir(folder), key=lambda one: one.name)
    except OSError as error:
        problem = f"has {above or 'a folder'}, which cannot be read: {error.strerror}"
        raise BadFile(problem, "folders that can be read", f"correct its permissions, or name it in {IGNORE}") from None
    for entry in entries:
        name = f"{above}{entry.name}"
        left_out = name in ignored
        if name == IGNORE or (left_out and not (entry.is_dir(follow_symlinks=False) and ignored.takes_back)):
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name in _SECRET_FOLDERS and not left_out:
                raise _secret(name, "is a folder that holds credentials or history")
            yield from _walk(Path(entry.path), f"{name}/", ignored, depth + 1)
        elif not left_out:
            yield name, _real(name, Path(entry.path), folder, above)


def _real(name: str, path: Path, folder: Path, above: str) -> Path:
    """Where a file is. A link may lead to a file of the context, whose content takes its place."""
    top = folder
    for _ in range(above.count("/")):
        top = top.parent
    try:
        real = inside(path, top)
        if real.is_dir():
            raise BadFile("is a link to a folder", "files, and links to files of the context", "copy the folder")
        with open_regular(real, _KIND):
            return real
    except BadFile as error:
        raise BadFile(
            f"has {name}, which {error.problem}", error.allowed, f"{error.todo}, or name it in {IGNORE}"
        ) from None


def _refuse_secret(name: str, path: Path) -> None:
    """Refuse a file that people keep secrets in: who has the image could read it."""
    own = name.rpartition("/")[2]
    if _SECRETS.fullmatch(own) and not _EXAMPLES.fullmatch(own):
        raise _secret(name, "holds secrets, by its name")
    if own.lower().endswith((".pem", ".crt", ".txt", ".json", ".yaml", ".yml", ".cfg", ".conf")):
        with open_regular(path, _KIND) as stream:
            if _PRIVATE in stream.read(_LOOKED_AT):
                raise _secret(name, "has a private key in it")


def _secret(name: str, why: str) -> BadFile:
    todo = f"write {name} into {IGNORE}; the server gets secrets by env: {{NAME: {{secret: NAME, key: KEY}}}}"
    return BadFile(f"has {name}, which {why}", "files that everybody may read who has the image", todo)

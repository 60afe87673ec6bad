"""Build programs from their pinned Go modules, once per digest of all that they are made from."""

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.local.build.golang import Go, environment
from slipway.local.host import paths
from slipway.local.host.cache import locked
from slipway.local.host.commands import CancelledError, Command, run
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

MODULES = Path(__file__).with_name("modules")
"""The pinned Go modules of this package."""

_DOWNLOAD_LIMIT_S = 1200.0
_BUILD_LIMIT_S = 3600.0
_TRIES = 3
_PAUSE_S = 5.0


@dataclass(frozen=True)
class GoProgram:
    """A package of a pinned Go module, what the linker is told, and the build tags, with commas."""

    module: Path
    package: str
    ldflags: str
    tags: str = ""


def cached(name: str, digest: str, make: Callable[[Path], None]) -> Path:
    """The folder of built tools for this digest; `make` fills a new one, which appears when it is whole.

    Two at once: the second waits for the first. A build that was killed leaves a hidden folder, which the next
    one starts over (what Go compiled is in Go's own cache).
    """
    folder = paths.CACHE_TOOLS / f"{name}-{digest}"
    if folder.exists():
        return folder
    with locked(folder.name):
        if not folder.exists():
            new = folder.with_name(f".{folder.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            make(new)
            new.rename(folder)
    return folder


def digest(module: Path, *more: bytes) -> str:
    """16 hex digits over every file of a Go module and what else decides its build: compiler, flags."""
    content = hashlib.sha256()
    for part in more:
        content.update(len(part).to_bytes(8, "big") + part)
    for file in sorted(path for path in module.rglob("*") if path.is_file()):
        name, data = str(file.relative_to(module)).encode(), file.read_bytes()
        content.update(len(name).to_bytes(8, "big") + name + len(data).to_bytes(8, "big") + data)
    return content.hexdigest()[:16]


def compile_program(program: GoProgram, go: Go, out: Path, report: Report) -> None:
    """Link the program into the file `out`.

    Raises LocalError with the compiler's own lines and the log's name; progress is counted in packages.
    """
    downloads = total = compiled = 0

    def listed(line: str) -> bool:
        nonlocal downloads, total
        if line.startswith("go: downloading "):
            downloads += 1
            report(f"Go module {downloads}: {line.split()[2]}")
        elif line.startswith("import "):
            total += 1
        else:
            return False
        return True

    def built(line: str) -> bool:
        nonlocal compiled
        if not re.fullmatch(r"[\w./~+-]+", line):
            return False
        compiled += 1
        report(f"{compiled} of at most {total} packages compiled")
        return True

    log = paths.STATE_LOG / f"build-{out.name}.log"
    report("looking up Go modules")
    package, common = program.package, ("-mod=readonly", "-tags", program.tags)
    dependencies: list[str | Path] = [go.command, "list", *common, "-deps", "-f", "import {{.ImportPath}}", package]
    link = ("-trimpath", "-ldflags", program.ldflags, "-o", out)
    build: list[str | Path] = [go.command, "build", *common, "-v", *link, package]

    def command(what: str, argv: Sequence[str | Path], limit_s: float, progress: Callable[[str], bool]) -> Command:
        name = f"{out.name}: {what}"
        return Command(name, argv, log, limit_s, env=environment(), cwd=program.module, progress=progress)

    _download(command("downloading Go modules", dependencies, _DOWNLOAD_LIMIT_S, listed), report)
    run(command("compiling", build, _BUILD_LIMIT_S, built))


def _download(command: Command, report: Report) -> None:
    """Run it again when it fails: Go keeps the modules that it has, and tries none a second time itself."""
    for left in reversed(range(_TRIES)):
        try:
            run(command)
        except LocalError as error:
            if isinstance(error, CancelledError) or not left:
                raise
            report(f"a module could not be had; trying again in {_PAUSE_S:g} s")
            time.sleep(_PAUSE_S)
        else:
            return

"""Build what the cluster is started from, from the Go module local/node: minutes the first time, then seconds."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from local import golang, paths
from local.cluster import facts, images
from local.errors import LocalError

SOURCES = paths.REPOSITORY / "local" / "node"
"""The Go module. A digest over the files in it tells whether `build` would make something else."""

KUBERNETES_VERSION = "v1.36.3"
"""As in SOURCES/go.mod; programs that ask the cluster for its version get this."""

_LIST_LIMIT_S = 600
_BUILD_LIMIT_S = 3600
_REPORT_EVERY = 100
_PACKAGE = re.compile(r"^[\w.~/-]+$")
_FLAGS = ("-mod=readonly", "-trimpath")


def build(go: Path, out: Path, report: Callable[[str], None]) -> facts.Tools:
    """Build the node program, the pause image and kwok's stages into the folder `out` with the `go` command.

    `report` gets a line for every hundred packages compiled. What was compiled before comes from Go's cache,
    so an interrupted build goes on where it was. LocalError: a module cannot be had, or the compiler's words.
    """
    out.mkdir(parents=True, exist_ok=True)
    report("node program: fetching Go modules")
    total = len(_go(go, ["list", "-deps", "."], _LIST_LIMIT_S).split())
    _compile(go, out / "node", total, report)
    _go(go, ["build", *_FLAGS, "-ldflags=-s -w", "-o", str(out / "pause"), "./pause"], _BUILD_LIMIT_S)
    image = images.build({PurePosixPath("/pause"): out / "pause"}, entrypoint=["/pause"])
    images.archive(image, facts.PAUSE_IMAGE, out / "pause.tar")
    (out / "pause").unlink()
    shutil.copyfile(SOURCES / "stages.yaml", out / "stages.yaml")
    return tools(out)


def tools(out: Path) -> facts.Tools:
    """What `build` has put into `out`."""
    return facts.Tools(out / "node", out / "pause.tar", out / "stages.yaml")


def _linker_flags() -> str:
    """Without a version stamped in, components call themselves v0.0.0 and refuse each other."""
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    server, client = "k8s.io/component-base/version", "k8s.io/client-go/pkg/version"
    stamps = [
        f"-X {package}.{name}={value}"
        for package in (server, client)
        for name, value in (("gitVersion", KUBERNETES_VERSION), ("gitMajor", major), ("gitMinor", minor))
    ]
    return " ".join(["-s", "-w", *stamps])


def _compile(go: Path, program: Path, total: int, report: Callable[[str], None]) -> None:
    """Run the long build; with -v, go prints each package's name when it starts compiling it."""
    argv: list[str | Path] = [go, "build", "-v", *_FLAGS, f"-ldflags={_linker_flags()}", "-o", program, "."]
    seen = 0
    other: list[str] = []
    with subprocess.Popen(
        argv, cwd=SOURCES, env=golang.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None  # noqa: S101  (a pipe was asked for)
        for line in running.stderr:
            if not _PACKAGE.match(line.strip()):
                other.append(line)
                continue
            seen += 1
            if seen % _REPORT_EVERY == 0:
                report(f"node program: {seen} of at most {total} packages compiled")
    if running.returncode:
        raise LocalError("the node program does not compile:\n" + "".join(other[-20:]))
    report(f"node program: {seen} packages compiled, linked")


def _go(go: Path, arguments: list[str], limit_s: int) -> str:
    try:
        done = subprocess.run(
            [go, *arguments],
            cwd=SOURCES,
            env=golang.environment(),
            text=True,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"go {arguments[0]}: not done after {limit_s} s; run again to go on") from error
    if done.returncode:
        raise LocalError(f"go {arguments[0]} in {SOURCES}: {done.stderr.strip()[-2000:]}")
    return done.stdout

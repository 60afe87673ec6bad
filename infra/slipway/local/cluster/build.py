"""Build what the cluster is started from, from the Go module local/node: minutes the first time, then seconds."""

import shutil
from pathlib import Path, PurePosixPath

from slipway.local.build import golang, toolchain
from slipway.local.cluster import facts, images
from slipway.local.host.steps import Report

SOURCES = toolchain.MODULES / "node"
"""The Go module. A digest over the files in it tells whether `build` would make something else."""

KUBERNETES_VERSION = "v1.36.3"
"""As in SOURCES/go.mod; programs that ask the cluster for its version get this."""


def build(go: golang.Go, out: Path, report: Report) -> facts.Tools:
    """Build the node program, the pause image and kwok's stages into the folder `out`.

    `report` is told of every package compiled. What was compiled before comes from Go's cache, so an interrupted
    build goes on where it was. LocalError: a module cannot be had, no end within the limit, or the compiler's words.
    """
    out.mkdir(parents=True, exist_ok=True)
    _compile(go, ".", _linker_flags(), out / "node", report)
    _compile(go, "./pause", "-s -w", out / "pause", report)
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


def _compile(go: golang.Go, package: str, linker_flags: str, program: Path, report: Report) -> None:
    toolchain.compile_program(toolchain.GoProgram(SOURCES, package, linker_flags), go, program, report)

"""Build cosign, which signs and verifies, from its pinned module. Only who asks for it waits for it: 100 MB."""

from pathlib import Path

from slipway.local.build import golang, toolchain
from slipway.local.host import paths
from slipway.local.host.steps import Report

MODULE = toolchain.MODULES / "cosign"
VERSION = "3.1.3"
_PROGRAM = toolchain.GoProgram(
    module=MODULE,
    package="github.com/sigstore/cosign/v3/cmd/cosign",
    ldflags=f"-s -w -X sigs.k8s.io/release-utils/version.gitVersion=v{VERSION}",
)


def built(report: Report) -> Path:
    """The program, out of the cache or built into it."""
    go = golang.find([MODULE], report)
    digest = toolchain.digest(MODULE, go.version.encode(), _PROGRAM.ldflags.encode())

    def make(new: Path) -> None:
        toolchain.compile_program(_PROGRAM, go, new / "cosign", report)

    return toolchain.cached("cosign", digest, make) / "cosign"


def bring(report: Report) -> Path:
    """Build it, and put it where the local environment's commands find it."""
    program = built(report)
    paths.STATE_BIN.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = paths.STATE_BIN / ".cosign.new"
    new.unlink(missing_ok=True)
    new.symlink_to(program)
    return new.rename(paths.STATE_BIN / "cosign")

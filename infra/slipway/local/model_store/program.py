"""Have the Versity S3 Gateway: built from its pinned Go module, and kept.

It checks signatures, users and bucket policies as AWS does, and keeps objects as files, in no memory. moto, which plays
S3 in the tests, lets everybody in; MinIO is no Go module of a release, and under the AGPL.
"""

from pathlib import Path

from slipway.local.build import toolchain
from slipway.local.build.golang import Go
from slipway.local.host.steps import Report

MODULE = toolchain.MODULES / "versitygw"
VERSION = "v1.8.0"
"""As in MODULE/go.mod."""

_PROGRAM = toolchain.GoProgram(MODULE, "github.com/versity/versitygw/cmd/versitygw", f"-s -w -X main.Version={VERSION}")


def bring(go: Go, report: Report) -> Path:
    """The program, from the cache or built now.

    Raises:
        LocalError: its module cannot be had, or the compiler's words.
    """
    digest = toolchain.digest(MODULE, go.version.encode(), _PROGRAM.ldflags.encode())

    def make(folder: Path) -> None:
        toolchain.compile_program(_PROGRAM, go, folder / "versitygw", report)

    return toolchain.cached("versitygw", digest, make) / "versitygw"

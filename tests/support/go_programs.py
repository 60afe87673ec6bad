"""Go programs that only tests use, linters and a load generator: built from pinned modules into the tool cache."""

import os
from pathlib import Path

from slipway.local.build import golang, toolchain


def built(name: str, package: str) -> Path:
    """The program that the environment variable of its name says (KUBE_SCORE=...), else the pinned one."""
    given = os.environ.get(name.upper().replace("-", "_"))
    if given:
        return Path(given)
    module = toolchain.MODULES / name
    go = golang.find([module], print)
    program = toolchain.GoProgram(module, package, "-s -w")

    def make(folder: Path) -> None:
        toolchain.compile_program(program, go, folder / name, print)

    return toolchain.cached(name, toolchain.digest(module, go.version.encode()), make) / name

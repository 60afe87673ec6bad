"""The parts of `make test`, and what each waits for."""

import sys
from dataclasses import dataclass
from pathlib import Path

_PYTHON = (sys.executable, "-u")
_LOCAL = (str(Path(sys.executable).with_name("slipway")), "local")
_PYTEST = (sys.executable, "-u", "-m", "pytest")
_INTEGRATION = (*_LOCAL, "run", "--", *_PYTEST, "tests/integration")
_REHEARSALS = tuple(f"tests/integration/test_{name}.py" for name in ("rehearsal", "karpenter", "aws_page"))
_SLOWEST = ("--durations=20", "--durations-min=20")
"""Named at the end of each part: what to look at when the whole takes too long."""
_AT_ONCE = "3"
"""Tests on the one node: most of their time is waiting, and two processors have room for three environments at once."""


@dataclass(frozen=True)
class Part:
    """A command. It starts when those of `after` have ended, however, and those of `needs` have passed.

    `stops_all`: when it fails, what runs is stopped and nothing else is started.
    """

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    stops_all: bool = False


def all_parts(reports: Path) -> list[Part]:
    """Give the parts, in the order in which they are told at the end; pytest writes `<name>.xml` into `reports`."""

    def report(name: str) -> tuple[str, ...]:
        return (*_SLOWEST, f"--junitxml={reports / name}.xml")

    spread = ("--dist", "worksteal", "-n")
    without_cluster = ("--ignore=tests/integration", "--ignore=tests/bench", *spread, "auto", "-q")
    local = ("-m", "not serial", *(f"--ignore={one}" for one in _REHEARSALS), *spread, _AT_ONCE, "-v")
    on_the_cluster = ("weights", "local up")
    return [
        Part("lint", ("make", "--no-print-directory", "lint"), stops_all=True),
        Part("weights", (*_PYTHON, "models/speech/fetch.py")),
        Part("local up", (*_LOCAL, "up")),
        Part("unit", (*_PYTEST, *without_cluster, *report("unit")), needs=("weights",)),
        Part("integration", (*_INTEGRATION, *local, *report("integration")), needs=on_the_cluster, after=("unit",)),
        Part(
            "serial", (*_INTEGRATION, "-m", "serial", "-v", *report("serial")), on_the_cluster, ("unit", "integration")
        ),
        # With control planes of their own, they notice nothing of what the others do to the local cluster.
        Part(
            "rehearsal",
            (*_LOCAL, "run", "--", *_PYTEST, *_REHEARSALS, "-v", *report("rehearsal")),
            on_the_cluster,
        ),
    ]

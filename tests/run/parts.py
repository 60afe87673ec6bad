"""The parts of `make test`, and what each waits for."""

import sys
from dataclasses import dataclass
from pathlib import Path

_PYTHON = (sys.executable, "-u")
_LOCAL = (str(Path(sys.executable).with_name("slipway")), "local")
_ON_LOCAL = (*_LOCAL, "run", "--")
_INTEGRATION = "tests/integration"
_REHEARSALS = tuple(f"tests/integration/test_{name}.py" for name in ("rehearsal", "karpenter", "aws_page"))
_SLOWEST = ("--durations=20", "--durations-min=20")
"""Named at the end of each part: what to look at when the whole takes too long."""
_IDLE = ("chrt", "--idle", "0")
"""Of util-linux: gets a processor when nobody else wants it."""
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

    def pytest(name: str, *arguments: str) -> tuple[str, ...]:
        return (*_PYTHON, "-m", "tests.run.twice", str(reports), name, *arguments, *_SLOWEST)

    spread = ("--dist", "worksteal", "-n")
    without_cluster = (f"--ignore={_INTEGRATION}", "--ignore=tests/bench", *spread, "auto", "-q")
    local = (_INTEGRATION, "-m", "not serial", *(f"--ignore={one}" for one in _REHEARSALS), *spread, _AT_ONCE, "-v")
    on_the_cluster = ("weights", "local up")
    return [
        Part("lint", ("make", "--no-print-directory", "lint"), stops_all=True),
        Part("weights", (*_PYTHON, "models/speech/fetch.py")),
        Part("local up", (*_LOCAL, "up")),
        Part("integration", (*_ON_LOCAL, *pytest("integration", *local)), needs=on_the_cluster),
        # Beside what waits most of its time, on the processors that it leaves idle.
        Part("unit", (*_IDLE, *pytest("unit", *without_cluster)), needs=("weights",), after=("integration",)),
        Part(
            "serial",
            (*_ON_LOCAL, *pytest("serial", _INTEGRATION, "-m", "serial", "-v")),
            needs=on_the_cluster,
            after=("integration",),
        ),
        # With control planes of their own, they notice nothing of what the others do to the local cluster.
        Part(
            "rehearsal",
            (*_ON_LOCAL, *pytest("rehearsal", *_REHEARSALS, "-v")),
            needs=on_the_cluster,
        ),
    ]

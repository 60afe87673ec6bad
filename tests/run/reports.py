"""What the reports in JUnit's format say, which pytest writes: how long each test took, and which failed with what."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_SHOWN_LINES = 6
_SHOWN_WIDTH = 300


@dataclass(frozen=True)
class Failed:
    """A test that failed, or whose setup or teardown did; `message` is the beginning of what it said."""

    name: str
    message: tuple[str, ...]


def slowest(reports: Path, count: int) -> list[tuple[float, str]]:
    """Seconds (setup and teardown included) and name of the slowest tests of all `*.xml`, the slowest first."""
    tests = [(float(case.get("time", 0)), _name(case)) for case in _cases(reports)]
    return sorted(tests, reverse=True)[:count]


def failed(reports: Path) -> list[Failed]:
    """The tests of all `*.xml` that did not pass, in the order of their reports."""
    return [
        Failed(_name(case), _shown(how.get("message") or ""))
        for case in _cases(reports)
        for how in case
        if how.tag in {"failure", "error"}
    ]


def _cases(reports: Path) -> Iterator[ElementTree.Element]:
    for report in sorted(reports.glob("*.xml")):
        yield from ElementTree.parse(report).iter("testcase")


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def _shown(message: str) -> tuple[str, ...]:
    return tuple(line[:_SHOWN_WIDTH] for line in message.splitlines()[:_SHOWN_LINES])

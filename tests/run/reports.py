"""What the reports in JUnit's format say, which pytest writes: how long each test took, and which failed with what."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_SHOWN_FIRST, _SHOWN_LAST = 3, 9
"""A command that failed says why at its end, and which command it was at its beginning."""
_SHOWN_WIDTH = 300


SECOND = "-second"
"""The report of a second try is called as the one of the first, with this behind."""


@dataclass(frozen=True)
class Failed:
    """A test that failed, or whose setup or teardown did; `message`: how what it said begins and ends."""

    name: str
    message: tuple[str, ...]
    at_setup: bool = False


def slowest(reports: Path, count: int) -> list[tuple[float, str]]:
    """Seconds (setup and teardown included) and name of the slowest tests of all `*.xml`, the slowest first."""
    tests = [(float(case.get("time", 0)), _name(case)) for case in _cases(reports)]
    return sorted(tests, reverse=True)[:count]


def failed(reports: Path) -> list[Failed]:
    """The tests of all `*.xml` that did not pass, in the order of their reports; not what a second try passed."""
    return [one for one, passed in _tried(reports) if not passed]


def passed_at_second(reports: Path) -> list[Failed]:
    """The tests that failed, and passed at a second try; what they said at the first."""
    return [one for one, passed in _tried(reports) if passed]


def _tried(reports: Path) -> Iterator[tuple[Failed, bool]]:
    for report in sorted(reports.glob("*.xml")):
        if not report.stem.endswith(SECOND):
            yield from ((one, _passed(report, one)) for one in failed_at_first(report))


def failed_at_first(report: Path) -> list[Failed]:
    """The tests of one report that did not pass."""
    return [
        Failed(_name(case), _shown(how.get("message") or ""), how.tag == "error")
        for case in ElementTree.parse(report).iter("testcase")
        for how in case
        if how.tag in {"failure", "error"}
    ]


def _passed(report: Path, one: Failed) -> bool:
    """Whether a test of a report passed at the second try: it ran there, was not skipped and did not fail."""
    second = report.with_name(f"{report.stem}{SECOND}.xml")
    if not second.exists():
        return False
    tried = [case for case in ElementTree.parse(second).iter("testcase") if _name(case) == one.name]
    return bool(tried) and all(not list(case.iter(tag)) for case in tried for tag in ("failure", "error", "skipped"))


def _cases(reports: Path) -> Iterator[ElementTree.Element]:
    for report in sorted(reports.glob("*.xml")):
        yield from ElementTree.parse(report).iter("testcase")


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def _shown(message: str) -> tuple[str, ...]:
    lines = [line[:_SHOWN_WIDTH] for line in message.splitlines()]
    if len(lines) <= _SHOWN_FIRST + _SHOWN_LAST:
        return tuple(lines)
    return (*lines[:_SHOWN_FIRST], "[...]", *lines[-_SHOWN_LAST:])

"""Which tests took longest, by the reports in JUnit's format that pytest writes."""

from pathlib import Path
from xml.etree import ElementTree


def slowest(reports: Path, count: int) -> list[tuple[float, str]]:
    """Seconds (setup and teardown included) and name of the slowest tests of all `*.xml`, the slowest first."""
    tests = [
        (float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}")
        for report in reports.glob("*.xml")
        for case in ElementTree.parse(report).iter("testcase")
    ]
    return sorted(tests, reverse=True)[:count]

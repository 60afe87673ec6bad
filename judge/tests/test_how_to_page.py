"""docs/how-to/choose-a-rollout.md says from how many calls a measure passes, as the rule has it."""

import re
from pathlib import Path

import pytest
from slipway_judge.judging.verdict import verdict

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "choose-a-rollout.md").read_text()
ROWS = re.findall(r"^\| ([\d.]+) % \([^|]*\) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)


def test_the_page_has_the_table() -> None:
    assert [allowed for allowed, *_ in ROWS] == ["5", "1", "0.5", "0.1"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}%")
def test_so_many_calls_pass_and_one_less_does_not(row: tuple[str, ...]) -> None:
    allowed = float(row[0]) / 100
    for part, calls in zip((0.0, 0.25, 0.5), row[1:], strict=True):
        n = int(calls.replace(",", ""))
        bad = int(part * allowed * n)
        assert verdict(bad, n, allowed, 1) == "passed"
        assert verdict(bad, n - 1, allowed, 1) == "inconclusive"

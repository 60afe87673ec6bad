"""What a judged rollout measured, drawn; whatever else stands in an entry is no picture's fault."""

import math
from typing import Any
from xml.etree import ElementTree

import pytest

from slipway.history.chart import draw, series

ROWS: list[list[Any]] = [
    ["2026-11-26T12:00:00Z", 0.0, 0, 0, None, 4.0, 0, 10],
    ["2026-11-26T12:00:10Z", 5.0, 1, 0, 5.5, 4.1, 2, 40],
    ["2026-11-26T12:00:20+00:00", 25, 1, 0, 5.4, 4.2, 2, 90],
]


def test_time_begins_with_the_first_row_and_what_was_not_measured_is_a_gap() -> None:
    found = series({"series": ROWS})
    assert found["time"] == [0, 10, 20]
    assert found["percent"] == [0, 5, 25]
    assert math.isnan(found["new_p95_ms"][0])
    assert found["disagreements"] == [0, 2, 2]


@pytest.mark.parametrize(
    "rows", [None, [], "x", {}, [1, "text", [], ["never", 1, 2, 3, 4, 5, 6, 7], [True] * 8, [0] * 9]]
)
def test_rows_that_are_none_are_passed_over(rows: Any) -> None:
    assert series({"series": rows})["percent"] == []
    assert draw({"series": rows}, "nothing").startswith(b"<?xml")


def test_the_picture_has_what_it_shows_in_words_and_is_the_same_each_time() -> None:
    picture = draw({"series": ROWS}, "digits 1.2.0 <in> prod")
    assert picture == draw({"series": ROWS}, "digits 1.2.0 <in> prod")
    texts = {text.strip() for node in ElementTree.fromstring(picture).iter() if (text := node.text or "").strip()}
    assert {"new release, %", "errors", "p95, ms", "answers compared", "of them different"} <= texts
    assert "digits 1.2.0 <in> prod" in texts

"""A report is shown as a table and as a page, and read again from its JSON."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from pydantic import ValidationError

from slipway.gate.judge import Refusal
from slipway.gate.page import render_page
from slipway.gate.report import Timing, from_json, to_json
from slipway.gate.table import table
from tests.unit.gate.reports import CONFUSION, report, variant

REPORT = report(
    variant("source", 0.925, 39003, confusion=CONFUSION, agreement=1.0, robustness={"noise": 0.9}),
    variant("1 quantize <int8>", 0.9, 12031, confusion=CONFUSION, agreement=0.9771, robustness={"noise": None}),
)
REFUSAL = Refusal("1 quantize <int8>", "accept.max_drop", "accuracy falls", "at most 0.01", "drop that step")


class Seen(HTMLParser):
    """What a browser would find: tags, ids and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag == "a":
            self.links.append(given.get("xlink:href") or given.get("href") or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_table_has_a_row_for_each_step_and_a_dash_for_what_is_not_known() -> None:
    columns, rows = table(REPORT, [REFUSAL])
    assert columns == ["step", "format", "size", "memory", "p50", "p99", "agreement", "accuracy", "noise", ""]
    assert rows == [
        ["source", "onnx", "39.0 kB", "50.0 MB", "1 ms", "2 ms", "1", "0.925", "0.9", ""],
        ["1 quantize <int8>", "onnx", "12.0 kB (31%)", "50.0 MB", "1 ms", "2 ms", "0.975", "0.9", "-",
         "refused: accept.max_drop"],
    ]  # fmt: skip


def test_a_model_too_slow_for_a_p99_has_none_in_the_table() -> None:
    slow = report(variant("source", None, one_row=None, golden=Timing(900.0, None, 20)), rows=None, metric=None)
    columns, ((*_, p99, _empty),) = table(slow)
    assert (columns[-2], p99) == ("p99", "-")


def test_the_page_needs_nothing_else_and_shows_no_markup_of_a_name() -> None:
    text = render_page(REPORT, [REFUSAL])
    assert not re.search(r"\b(src|href)=[\"']?https?:|url\(https?:|@import|<script|<link", text)
    assert "<int8>" not in text and "<dog>" not in text
    seen = Seen()
    seen.feed(text)
    assert seen.tags.count("table") == 3
    assert any("Refused: 1 quantize <int8>: accuracy falls" in each for each in seen.text)
    assert render_page(REPORT, [REFUSAL]) == text


def test_every_point_is_a_link_to_a_table_of_the_page() -> None:
    text = render_page(REPORT)
    seen = Seen()
    seen.feed(text)
    assert len(seen.links) == 2 and len(set(seen.links)) == 2
    assert {link.removeprefix("#") for link in seen.links} <= seen.ids
    picture = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    assert picture.attrib["aria-label"] == "accuracy against p50, a point for each step"


def points(page: str) -> list[str]:
    """The outlines of the points of a picture."""
    return re.findall(r'<path d="(M [^"]*)" clip-path', page[page.index("PathCollection") :])[:2]


def test_a_larger_model_is_a_larger_point() -> None:
    text = render_page(report(variant("a", size=100_000), variant("b", size=1_000)))
    # A path goes round the point: it begins at the lowest place of the circle and passes the highest.
    circles = [[float(y) for y in re.findall(r"[\d.]+ ([\d.]+) $", each, re.MULTILINE)] for each in points(text)]
    large, small = (max(heights) - min(heights) for heights in circles)
    assert large > 2 * small


def test_a_report_is_the_same_after_json_and_what_is_none_is_refused() -> None:
    assert from_json(to_json(REPORT)) == REPORT
    with pytest.raises(ValidationError):
        from_json('{"model": "digits", "surprise": 1}')


def test_the_lock_gets_numbers_as_exact_as_the_rows() -> None:
    assert REPORT.locked_metrics("1 quantize <int8>") == {"accuracy": 0.9, "agreement": 0.975}
    assert REPORT.locked_metrics("source") == {"accuracy": 0.925, "agreement": 1.0, "noise": 0.9}

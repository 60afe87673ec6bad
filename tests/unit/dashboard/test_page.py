"""The page says what is known, and that the rest is unknown; whatever others wrote is text in it."""

from html.parser import HTMLParser
from typing import Any

from slipway.dashboard.page import page, policy
from slipway.dashboard.view import sections
from tests.unit.dashboard.documents import HOSTILE, change, hostile, overview, row


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(*documents: dict[str, Any], live: bool = False) -> Elements:
    elements = Elements()
    elements.feed(page(documents, live=live))
    return elements


def test_hostile_text_stays_text_and_no_address_of_it_runs() -> None:
    for live in (True, False):
        seen = read(hostile(), live=live)
        tags = [tag for tag, _ in seen.found]
        assert tags.count("script") == (1 if live else 0)
        assert not {"img", "iframe", "link", "object", "form"} & set(tags)
        assert not any(name.startswith("on") for _, attributes in seen.found for name in attributes)
        hrefs = {attributes["href"] for tag, attributes in seen.found if tag == "a"}
        assert hrefs == {"#environments", "#environment-prod"}
        assert seen.text.count(HOSTILE) >= 8


def test_nothing_from_elsewhere_is_loaded_and_a_file_runs_no_script() -> None:
    text = page([overview()], live=False)
    assert "src=" not in text and "url(" not in text and "@import" not in text
    assert policy(live=False).startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy(live=False) and "unsafe" not in policy(live=True)
    assert f'content="{policy(live=False).replace(chr(39), "&#39;")}"' in text


def test_a_table_has_headers_for_ears_and_a_region_that_keys_can_scroll() -> None:
    seen = read(overview())
    regions = [a for tag, a in seen.found if a.get("role") == "region"]
    assert regions and all(a["tabindex"] == "0" and a["aria-label"] for a in regions)
    assert sum(tag == "th" and a.get("scope") == "row" for tag, a in seen.found) == 2
    assert sum(tag == "th" and a.get("scope") == "col" for tag, a in seen.found) == 15


def cells(document: dict[str, Any], model: int = 0) -> dict[str, str]:
    (section,) = sections([document])
    table = section.tables[0]
    return dict(zip(table.columns, (cell.text for cell in table.rows[model]), strict=True))


def test_a_model_is_shown_with_verdict_replicas_objectives_and_price() -> None:
    assert cells(overview()) == {
        "Model": "digits",
        "State": "serves",
        "Version": "1.0.0",
        "Replicas": "2 of 2 ready, 2 to 8",
        "Last verdict": "deploy passed, 2026-11-27 16:00:01",
        "Objectives": "availability 99.9 %: 25.0% of its budget left; "
        "latency p95 100 ms: unknown of its budget left (30d)",
        "$ a month": "10.00 to 1,240.50",
        "Address": "https://models.example/digits",
    }


def test_of_a_cluster_that_does_not_answer_everything_live_is_unknown_and_nothing_is_zero() -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("version", "ready", "wanted", "asleep", "scaling", "alerts", "url", "rolloutLine")
    )
    lost = overview("prod", row("digits", "unknown", **nothing), unreached="the API server did not answer", alerts=None)
    shown = cells(lost)
    assert (shown["State"], shown["Version"], shown["Replicas"]) == ("unknown", "unknown", "unknown")
    (section,) = sections([lost])
    facts = {name: cell.text for name, cell in section.facts}
    assert facts["Models"] == "1 planned, unknown what is live"
    assert facts["Alerts"] == "unknown"
    assert "What is live is unknown: the API server did not answer" in read(lost).text


def test_files_that_cannot_be_read_and_changes_that_are_not_known_are_said_beside_the_rest() -> None:
    bad = {"environment": "dev", "taken": "2026-11-27T16:05:00+00:00", "problem": "stacks/Pulumi.dev.yaml:3: no"}
    seen = read(bad, overview(changes=None, changesUnread="the bucket is away"))
    assert "stacks/Pulumi.dev.yaml:3: no" in seen.text
    assert "last changes are not known: the bucket is away" in seen.text
    assert "digits" in seen.text and "Last changes" not in seen.text


def test_what_serves_is_counted_and_marked_by_more_than_colour() -> None:
    rows = [row(), row("b", "not ready"), row("c", "not deployed"), row("d", "sleeps", asleep=True, ready=0, wanted=0)]
    document = overview("prod", *rows)
    (section,) = sections([document])
    facts = {name: (cell.text, cell.tone) for name, cell in section.facts}
    assert facts["Models"] == ("2 of 4 serve, 1 not deployed", "bad")
    assert facts["$ a month"] == ("10.00 to 1,240.50 of a budget of 1,000", "bad")
    assert [cells(document, at)["Replicas"] for at in range(4)] == [
        "2 of 2 ready, 2 to 8",
        "2 of 2 ready, 2 to 8",
        "none",
        "asleep, 2 to 8",
    ]
    marks = {tone: f".{tone}::before" for tone in ("good", "bad", "waits")}
    assert all(mark in page([document], live=False) for mark in marks.values())


def test_a_rollout_shows_how_far_it_is() -> None:
    going = row(rollout={"percent": 25.0}, rolloutLine="step 2 of 3, 25 %: 300 answers")
    seen = read(overview("prod", going, changes=[change(outcome="failed", reason="3 wrong answers")]))
    (bar,) = [a for tag, a in seen.found if tag == "progress"]
    assert (bar["value"], bar["max"]) == ("25.0", "100")
    assert "step 2 of 3, 25 %: 300 answers" in seen.text and "version 1.0.0; 3 wrong answers" in seen.text

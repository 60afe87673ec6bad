"""Pictures of plans: they say what the plan says, hold any text, and are placed so that they can be read."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner

from slipway.cli import cli
from slipway.errors.base import FileRefused, UserError
from slipway.graph.drawing import Picture
from slipway.graph.layout import layout
from slipway.graph.svg import svg
from slipway.graph.views import MOST, VIEWS, draw
from slipway.plan.model import Plan
from tests.support.planned import feedback_plan, fixture_plan, fleet_plan, gateway_plan, own_plan
from tests.unit.planner.test_others import Project

PLANS = [feedback_plan(), fixture_plan("local"), fleet_plan(), gateway_plan("own"), own_plan("gated")]
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>injected=1</script>&\x1b]0;\x00\"'"


def arrows(picture: Picture) -> set[tuple[str, str, str]]:
    return {(picture.boxes[one.start].heading, picture.boxes[one.end].heading, one.text) for one in picture.arrows}


@pytest.mark.parametrize("index", range(len(PLANS)))
@pytest.mark.parametrize("view", VIEWS)
def test_no_box_lies_on_another_and_all_are_in_the_picture(index: int, view: str) -> None:
    picture = VIEWS[view](PLANS[index])  # type: ignore[index]
    where = layout(picture)
    assert picture.boxes.keys() == where.boxes.keys()
    for one, other in combinations(where.boxes.values(), 2):
        apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart_x or one.y + one.height <= other.y or other.y + other.height <= one.y
    for one in where.boxes.values():
        assert one.x >= 0 and one.x + one.width <= where.width + 0.1
        assert one.y >= 0 and one.y + one.height <= where.height + 0.1


def test_arrows_lead_from_box_to_box_and_one_that_closes_a_circle_leads_back() -> None:
    picture = Picture("circle")
    for name in "abc":
        picture.box(name, name)
    for start, end in ("ab", "bc", "ca", "ac"):
        picture.arrow(start, end)
    where = layout(picture)
    assert where.boxes["a"].x < where.boxes["b"].x < where.boxes["c"].x
    for arrow, way in zip(picture.arrows, where.ways, strict=True):
        for id_, (x, y) in ((arrow.start, way[0]), (arrow.end, way[-1])):
            box = where.boxes[id_]
            assert x in (box.x, box.x + box.width)
            assert box.y <= y <= box.y + box.height
    # The long way from a to c passes through the column of b without touching it.
    (_, (x, y), *_) = where.ways[3]
    assert not where.boxes["b"].y < y < where.boxes["b"].y + where.boxes["b"].height
    assert x >= where.boxes["b"].x


def test_any_text_is_text_in_the_picture() -> None:
    picture = Picture(HOSTILE)
    picture.arrow(picture.box("one", HOSTILE, HOSTILE), picture.box("two", "two"), HOSTILE)
    picture.notes.append(HOSTILE)
    root = Xml.fromstring(svg(picture))
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
        *("svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text", "g"),
    }
    shown = [one.text or "" for one in root.iter(f"{SVG}text")]
    assert sum("</text><script>" in text for text in shown) == 5


def test_who_does_not_see_the_picture_hears_each_arrow() -> None:
    root = Xml.fromstring(svg(draw(gateway_plan("own"), "user")))
    assert root.get("role") == "img"
    title, said = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and title.text == "own: the way of a request"
    assert said is not None and "client to gateway (1 HTTPS), encrypted by TLS." in (said.text or "")
    assert root.get("aria-labelledby") == f"{title.get('id')} {said.get('id')}"
    assert "http" not in svg(draw(gateway_plan("own"), "deployment")).replace("http://www.w3.org/2000/svg", "")


def test_security_shows_what_the_policies_and_routes_of_the_plan_allow() -> None:
    plan = gateway_plan("own")
    picture = draw(plan, "security")
    drawn = arrows(picture)
    assert ("pods of keys", "pods of keys-database", "port 5432") in drawn
    assert ("gateway", "pods of keys", "port 4317, 8080; without a check") in drawn
    assert ("client", "gateway", "HTTPS 443") in drawn
    assert ("gateway", "pods of least", "after the keys service") in drawn
    assert not any(end == "pods of inside" and start == "gateway" for start, end, _ in drawn)
    assert not any(start == "pods of keys-database" for start, _, _ in drawn)
    assert [one.text for one in picture.arrows if one.encrypted] == ["HTTPS 443"]
    assert any("what no arrow shows is denied" in note for note in picture.notes)
    assert any(note.startswith("Where data lies") and "not known" in note for note in picture.notes)
    fleet = draw(fleet_plan(), "security")
    assert ("pods with slipway.dev/fetches-from=slipway-model-store", "model store", "port 443") in arrows(fleet)
    at_rest = next(note for note in fleet.notes if note.startswith("Where data lies"))
    assert "models" in at_rest and "disks" in at_rest


def test_without_a_gateway_there_is_no_key_and_no_bill() -> None:
    plan = fixture_plan("local")
    for view in ("user", "business"):
        picture = draw(plan, view)
        assert "keys" not in picture.boxes and "bill" not in picture.boxes
        assert any("no gateway" in note for note in picture.notes)
    assert any("no monitoring" in note for note in draw(plan, "monitoring").notes)


def test_more_models_than_a_picture_holds_are_refused() -> None:
    plan = fixture_plan("local")
    many = Plan(plan.environment, plan.settings, plan.models[:1] * (MOST + 1))
    with pytest.raises(UserError, match=r"31 models; allowed: at most 30 .*; next: name some of them"):
        draw(many, "deployment")
    draw(replace(many, models=many.models[:MOST]), "deployment")


def test_the_command_writes_a_file_or_prints_and_refuses_a_folder_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    project.spec("theirs")
    monkeypatch.chdir(tmp_path)
    run = CliRunner()
    printed = run.invoke(cli, ["graph", "here"], catch_exceptions=False).stdout
    assert "ours serves" in printed and "theirs serves" in printed
    out = tmp_path / "ours.svg"
    run.invoke(cli, ["graph", "here", "ours", "--of", "user", "--out", str(out)], catch_exceptions=False)
    assert "pods of ours" in out.read_text() and "theirs" not in out.read_text()
    with pytest.raises(UserError, match="is not known; allowed: ours, theirs"):
        run.invoke(cli, ["graph", "here", "our"], catch_exceptions=False)
    with pytest.raises(FileRefused, match="cannot be written"):
        run.invoke(cli, ["graph", "here", "--out", str(out / "in" / "a-file.svg")], catch_exceptions=False)
    assert run.invoke(cli, ["graph", "here", "--of", "all"]).exit_code == 2

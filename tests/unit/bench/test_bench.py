"""How the benchmarks compare, and how they keep their page."""

import pytest

from slipway.render.model import render_model
from slipway.render.yaml import to_yaml
from tests.bench.helm_peer import check_equal
from tests.bench.judging.measure import Figure
from tests.bench.judging.measure import of as of_judging
from tests.bench.run import PAGE
from tests.bench.tables import replaced, table
from tests.support.planned import fixture_plan


@pytest.mark.parametrize("part", ["plan", "fleet", "server", "judging", "simulation"])
def test_the_page_has_a_place_for_every_part_and_keeps_all_else(part: str) -> None:
    page = PAGE.read_text()
    new = replaced(page, part, "figures of today")
    begin, end = f"<!-- make bench: {part} -->", f"<!-- end of {part} -->"
    assert new.split(begin)[1].split(end)[0].strip() == "figures of today"
    assert (new.split(begin)[0], new.split(end)[1]) == (page.split(begin)[0], page.split(end)[1])


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks for plan"):
        replaced("# Benchmarks\n", "plan", "figures")


def test_figures_stand_on_the_right() -> None:
    assert table(["what", "wall"], [["x", "1"]]) == "| what | wall |\n| --- | ---: |\n| x | 1 |"


def test_a_peer_that_renders_something_else_is_refused() -> None:
    models = fixture_plan("local").models
    text = "".join(to_yaml(render_model(model, model.image.reference)) for model in models)
    check_equal(text, models)
    with pytest.raises(ValueError, match=r"Deployment .* differs"):
        check_equal(text.replace("maxSurge: 1", "maxSurge: 2", 1), models)
    with pytest.raises(ValueError, match=r"made by Helm\)"):
        check_equal(text, models[1:])


def test_what_judging_costs_is_told_beside_the_calls_without_it() -> None:
    without = Figure("no rollout", 100.0, 2.0, 4.0, {"Envoy": 0.5}, 0)
    judged = Figure("10% of the calls replayed", 99.5, 2.0, 5.0, {"Envoy": 0.6, "judge": 0.2}, 1)
    lines = of_judging([without, judged]).splitlines()
    assert "| 10% of the calls replayed | 100 | 2.00 | 5.00 | 1.25 | 1 |" in lines
    assert "| no rollout | 0.50 | - | 0.50 |" in lines
    assert "| 10% of the calls replayed | 0.60 | 0.20 | 0.80 |" in lines

"""What environments are drawn as, byte for byte; a reviewer looks at the pictures."""

from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from slipway.graph.svg import svg
from slipway.graph.views import VIEWS, View, draw
from slipway.plan.model import Plan
from tests.golden.test_golden_gateway import Golden
from tests.support.planned import feedback_plan, fixture_plan, fleet_plan, slo_plan

HERE = Path(__file__).parent
PICTURES: dict[str, tuple[Plan, View]] = {
    **{f"heard-{view}": (feedback_plan(), view) for view in VIEWS},
    "watched-monitoring": (slo_plan(), "monitoring"),
    "fleet-security": (fleet_plan(), "security"),
    "local-user": (fixture_plan("local"), "user"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_an_environment_is_drawn_as_the_golden_picture(name: str, golden: Golden) -> None:
    plan, view = PICTURES[name]
    text = svg(draw(plan, view))
    Xml.fromstring(text)
    golden(HERE / "graph" / f"{name}.svg", text)

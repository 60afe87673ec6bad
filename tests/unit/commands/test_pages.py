"""What `up` and `plan` say of a model's page, and what the keys service is told: only where a spec asks for it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.commands.changing.up import _ways_in
from slipway.commands.inspecting.offline import _way_in
from slipway.plan.traffic import Traffic
from tests.support.planned import gateway_plan
from tests.unit.planner.test_others import Project


def traffic(model: str) -> Traffic:
    found = gateway_plan("own").find(model, Path()).traffic
    assert found is not None
    return found


def test_the_keys_service_is_told_the_path_of_a_page_that_opens_and_of_no_other() -> None:
    opens, closed = traffic("all-of-it"), traffic("least")
    assert json.loads(opens.rules())["page"] == opens.path == "/v3/digits"
    assert "page" not in json.loads(closed.rules())
    assert opens.to_json()["page"] == f"{opens.url}/"
    assert closed.to_json()["page"] is None


def test_a_plan_says_what_opens_without_a_key() -> None:
    assert "its page without one" in _way_in(traffic("all-of-it"))
    assert "page" not in _way_in(traffic("least"))


def test_up_prints_the_address_of_a_page_that_a_browser_can_open(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (model,) = project.context().plan.models
    route = traffic("all-of-it")
    browser = "\n  in a browser: https://localhost/models/x/"
    for given, shown in ((None, True), (route, True), (replace(route, page=False), False)):
        said = _ways_in(project.context(), "https://localhost/models/x", replace(model, traffic=given))
        assert said.startswith("  curl -s ")
        assert said.endswith(browser) is shown


@pytest.mark.parametrize("path", ["/", "/models/digits"])
def test_a_rule_names_the_path_as_clients_ask_it(path: str) -> None:
    assert json.loads(replace(traffic("all-of-it"), path=path).rules())["page"] == path

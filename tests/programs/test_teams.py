"""The programs of environments that teams share, on Pulumi's mocks."""

import pytest

from slipway.programs.kubernetes import environment_program
from slipway.settings.kubernetes import Settings
from slipway.settings.teams import Team
from slipway.values.names import priority_class
from tests.support.planned import teams_plan
from tests.support.recorder import Run, run_program

PRIORITY_CLASS = "kubernetes:scheduling.k8s.io/v1:PriorityClass"


def run(**priorities: int) -> Run:
    """The program of the fixtures' environment without a gateway, with these teams."""
    teams = {name: Team(priority=value) for name, value in priorities.items()} or None
    settings = teams_plan().settings.model_copy(update={"gateway": None, "teams": teams})
    assert isinstance(settings, Settings)
    return run_program(environment_program("shared", settings), "shared")


def test_the_engine_leaves_a_class_to_pods_that_may_still_need_it_and_nothing_else() -> None:
    recorded = run(vision=1)
    retained = {resource.token.rpartition(":")[2] for resource in recorded.resources if resource.retained}
    assert retained == {"Namespace", "PriorityClass"}
    (made,) = recorded.manifests("PriorityClass")
    assert made["metadata"]["name"] == priority_class("shared", "vision", 1)
    assert "namespace" not in made["metadata"]


@pytest.mark.parametrize("again", [{"vision": 2}, {"audio": 1}])
def test_another_priority_or_team_is_another_resource_beside_the_former_one(again: dict[str, int]) -> None:
    (before,), (after,) = (run(**teams).of(PRIORITY_CLASS) for teams in ({"vision": 1}, again))
    assert before.urn != after.urn


def test_without_teams_there_is_no_class() -> None:
    assert run().of(PRIORITY_CLASS) == []

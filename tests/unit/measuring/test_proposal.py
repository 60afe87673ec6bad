"""What a spec should say by what was found, and how that is written into it."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors.base import FileRefused
from slipway.measuring.edited import edited
from slipway.measuring.proposal import Proposal, chosen, propose
from slipway.plan.model import ModelPlan
from slipway.spec.scale import Target
from tests.support.planned import fixture_plan
from tests.unit.measuring.found import MI, step

SPEC = """# The best model.
name: digits
resources: {cpu: 250m, memory: 256Mi}  # as measured
scale:
  min: 1
  target: {cpu_percent: 70}
environments:
  local: {resources: {cpu: 100m}}
"""


def model(target: Target | None = None) -> ModelPlan:
    plan = fixture_plan("local").models[0]
    scale = plan.spec.scale.model_copy(update={"target": target})
    return replace(plan, spec=plan.spec.model_copy(update={"scale": scale}))


def proposed(target: Target | None = None, **more: object) -> dict[str, Proposal]:
    found = propose(model(target), step(500, 100).model_copy(update=more))
    return {".".join(map(str, one.path)): one for one in found}


def change(field: str, value: str) -> Proposal:
    return Proposal(tuple(field.split(".")), None, value, "measured")


def test_the_limits_with_the_most_for_each_core_are_chosen() -> None:
    assert chosen([step(250, 50), step(500, 150), step(1000, 160)]) == step(500, 150)


def test_of_limits_that_are_as_good_those_with_the_soonest_answers_are_chosen() -> None:
    assert chosen([step(250, 50, 40), step(500, 98, 20)]) == step(500, 98, 20)


def test_of_the_same_with_more_memory_the_least_is_chosen() -> None:
    assert chosen([step(500, 50, memory=512 * MI), step(500, 50)]) == step(500, 50)


def test_nothing_is_chosen_where_nothing_was_kept_up_with() -> None:
    assert chosen([step(500, 50).model_copy(update={"knee": None})]) is None


def test_memory_is_what_was_held_and_a_quarter_and_never_less_than_the_server_needs() -> None:
    assert proposed(peak_bytes=1000 * MI)["resources.memory"].value == "1280Mi"
    assert proposed(peak_bytes=10 * MI)["resources.memory"].value != "64Mi"


@pytest.mark.parametrize(
    ("target", "value"),
    [
        (Target(cpu_percent=70), "60"),
        (Target(requests_per_second=20), "80"),
        (Target(concurrency=4), "0.8"),
    ],
)
def test_a_target_is_a_part_of_what_was_found_at_the_knee(target: Target, value: str) -> None:
    assert proposed(target)[f"scale.target.{target.signal}"].value == value


def test_what_users_feel_is_for_people_to_say() -> None:
    assert not any(field.startswith("scale") for field in proposed(Target(p95_ms=80)))


def test_rows_stay_where_others_bring_nothing() -> None:
    found = proposed(rows={1: 100.0, 4: 300.0, 16: 310.0, 64: 312.0})
    assert found["batching.max_rows"].value == "4"
    assert not proposed(rows={1: 300.0, 32: 300.0})["batching.max_rows"].changes


def test_values_are_replaced_where_they_stand_and_comments_stay() -> None:
    changes = [change("resources.memory", "192Mi"), change("scale.target.cpu_percent", "55")]
    text = edited(SPEC, "digits.yaml", "prod", changes)
    assert text == SPEC.replace("256Mi", "192Mi").replace("70", "55")


def test_a_field_that_an_environment_overrides_is_written_there() -> None:
    text = edited(SPEC, "digits.yaml", "local", [change("resources.cpu", "500m"), change("resources.memory", "1Gi")])
    assert text == SPEC.replace("100m", "500m").replace("256Mi", "1Gi")


def test_what_is_missing_is_added_to_its_section_or_with_it() -> None:
    text = edited(SPEC, "digits.yaml", "prod", [change("batching.max_rows", "16")])
    assert text == SPEC + "batching: {max_rows: 16}\n"
    text = edited("a: 1\nbatching: {}\n", "a.yaml", "prod", [change("batching.max_rows", "16")])
    assert text == "a: 1\nbatching: {max_rows: 16}\n"
    text = edited("scale:\n    min: 1\n", "a.yaml", "prod", [change("scale.target.concurrency", "2")])
    assert text == "scale:\n    target: {concurrency: 2}\n    min: 1\n"


def test_a_layout_that_has_no_place_for_it_is_refused() -> None:
    with pytest.raises(FileRefused, match=r"has no place where batching.max_rows could be put.*by hand"):
        edited("a: 1\n...\n", "a.yaml", "prod", [change("batching.max_rows", "16")])


def test_the_file_of_the_repository_takes_what_is_proposed() -> None:
    file = Path(__file__).parents[3] / "models/digits.yaml"
    text = edited(file.read_text(), "digits.yaml", "local", [change("batching.max_rows", "16")])
    assert text.endswith("batching: {max_rows: 16}\n")

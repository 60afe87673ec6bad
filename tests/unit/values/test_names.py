"""Names and labels are valid in Kubernetes whatever the version says, and never the same for two things."""

import re

from hypothesis import given
from hypothesis import strategies as st

from slipway.values import names
from slipway.values.quantities import MODEL_NAME_LIMIT

LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")


@given(st.text(max_size=100))
def test_a_fitted_text_is_a_label_value(text: str) -> None:
    assert LABEL_VALUE.fullmatch(names.fitted(text))


@given(st.text(max_size=80), st.text(max_size=80))
def test_two_texts_that_had_to_be_changed_stay_two(one: str, other: str) -> None:
    assert (names.fitted(one) == names.fitted(other)) == (one == other)


def test_versions_that_differ_in_their_build_have_different_labels() -> None:
    assert names.fitted("1.0.0") == "1.0.0"
    assert names.fitted("1.0.0+a") != names.fitted("1.0.0_a")


def test_the_longest_model_name_leaves_room_for_the_name_of_its_config_map() -> None:
    assert len(names.config_map("m" * MODEL_NAME_LIMIT, "0" * 64)) <= 63


OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@given(st.text(min_size=1, max_size=63), st.integers(-10, 10**6))
def test_a_team_of_any_name_has_objects_that_kubernetes_takes(team: str, priority: int) -> None:
    for name in (names.priority_class("n" * 63, team, priority), names.team_quota(team)):
        assert OBJECT_NAME.fullmatch(name)
        assert len(name) <= 253


@given(st.text(min_size=1, max_size=63), st.text(min_size=1, max_size=63))
def test_two_teams_never_share_a_class_or_a_quota(one: str, other: str) -> None:
    assert (names.team_quota(one) == names.team_quota(other)) == (one == other)
    assert (names.priority_class("n", one, 1) == names.priority_class("n", other, 1)) == (one == other)


def test_no_team_has_the_class_of_the_environment_s_own_pods() -> None:
    assert names.platform_class("n") != names.priority_class("n", "platform", 0)
    assert names.priority_class("n", "batch", -7) == "slipway.n.batch.minus7"

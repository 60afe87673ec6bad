"""What a spec says about replicas is whole: one target, floors between the bounds, times that Kubernetes takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slipway.spec.scale import SIGNALS, Scale, Target

OFFICE = {"cron": "0 7 * * 1-5", "until": "0 19 * * 1-5"}
VALUES: dict[str, st.SearchStrategy[float]] = {
    name: st.integers(1, 100) if name.endswith("_percent") else st.integers(1, 1000) | st.floats(0.001, 1000)
    for name in SIGNALS
}


@given(st.data(), st.sampled_from(SIGNALS))
def test_a_target_is_one_signal_and_its_value(data: st.DataObject, name: str) -> None:
    value = data.draw(VALUES[name])
    target = Target.model_validate({name: value})
    assert (target.signal, target.value) == (name, value)
    assert target.model_dump() == {name: value}


@given(st.lists(st.sampled_from(SIGNALS), unique=True).filter(lambda names: len(names) != 1))
def test_a_target_of_none_or_several_signals_is_refused(names: list[str]) -> None:
    with pytest.raises(ValidationError):
        Target.model_validate(dict.fromkeys(names, 1))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_a_floor_is_accepted_exactly_between_the_bounds(least: int, most: int, floor: int, to_zero: bool) -> None:
    written: dict[str, Any] = {
        "min": least,
        "max": most,
        "target": {"concurrency": 4},
        "schedule": [OFFICE | {"min": floor}],
        **({"to_zero": {"after": "15m"}} if to_zero else {}),
    }
    right = least <= most and (least if to_zero else least + 1) <= floor <= most
    if right:
        assert Scale.model_validate(written).schedule[0].min == floor
    else:
        with pytest.raises(ValidationError):
            Scale.model_validate(written)


def test_what_is_left_out_is_not_dumped() -> None:
    written = {"min": 1, "max": 4, "target": {"cpu_percent": 70}}
    assert Scale.model_validate(written).model_dump() == written
    assert Scale().model_dump() == {"min": 1, "max": 1, "target": None}


def test_times_are_in_seconds() -> None:
    scale = Scale.model_validate({"target": {"queue": 2}, "to_zero": {"after": "15m"}, "cool_down": "90s"})
    assert scale.to_zero is not None
    assert (scale.to_zero.after, scale.cool_down, Scale().cool_down) == (900.0, 90.0, 300.0)


@pytest.mark.parametrize("after", ["9s", "10.5s", 900, "25h", None])
def test_what_keda_cannot_wait_is_refused(after: object) -> None:
    with pytest.raises(ValidationError):
        Scale.model_validate({"target": {"queue": 2}, "to_zero": {"after": after}})


@pytest.mark.parametrize("cool_down", ["500ms", "61m", 300])
def test_what_no_stabilization_window_can_be_is_refused(cool_down: object) -> None:
    with pytest.raises(ValidationError):
        Scale.model_validate({"cool_down": cool_down})


def test_a_model_that_goes_to_zero_may_have_a_fixed_number_of_replicas_otherwise() -> None:
    assert Scale.model_validate({"target": {"p95_ms": 100}, "to_zero": {"after": "1m"}}).max == 1

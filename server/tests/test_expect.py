"""An expectation is met, or the sentence says what was wrong; one that cannot be met is refused beforehand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signatures import DIGITS, vector
from slipway_server.values.errors import BadRequest
from slipway_server.values.expect import check_expect, judge
from slipway_server.values.signature import Signature, Tensor

ANSWER = {"label": [7], "probabilities": [[0.1] * 9 + [0.9]]}


@pytest.mark.parametrize(
    "expect",
    [
        {"label": 7},
        {"label": [7]},
        {"label": {"value": 7}},
        {"label": {"min": 7, "max": 7}},
        {"label": 7, "probabilities": {"min": 0, "max": 1}},
        {"probabilities": [[0.1] * 9 + [0.9009]]},
        {"probabilities": {"value": [[0.2] * 9 + [0.8]], "tolerance": 0.11}},
    ],
)
def test_an_answer_within_the_expectation_is_right(expect: dict[str, object]) -> None:
    check_expect(expect, DIGITS)
    assert judge(ANSWER, expect) is None


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        ({"label": 3}, "output `label` is 7, expected 3"),
        ({"label": [7, 7]}, "output `label` has the shape [1], expected [2]"),
        ({"label": {"min": 8}}, "output `label` is 7, expected between 8 and inf"),
        ({"probabilities": {"max": 0.5}}, "element 9 of output `probabilities` is 0.9"),
        ({"probabilities": [[0.1] * 10]}, "element 9 of output `probabilities` is 0.9, expected 0.1 (within 0.001)"),
        ({"other": 1}, "the answer has no output `other`; it has label, probabilities"),
        ({"probabilities": 0.1}, "output `probabilities` has 10 elements (shape [1, 10]), expected one"),
    ],
)
def test_a_wrong_answer_is_described(expect: dict[str, object], reason: str) -> None:
    said = judge(ANSWER, expect)
    assert said is not None
    assert said.startswith(reason)


@pytest.mark.parametrize("value", [float("nan"), None, "7", True, [[7, 8], [9]]])
def test_what_is_no_number_never_passes_for_one(value: object) -> None:
    assert judge({"label": [value]}, {"label": 1}) is not None
    assert judge({"label": [value]}, {"label": {"min": -1e9}}) is not None


@pytest.mark.parametrize(
    ("values", "right"),
    [([None], [None]), (["Infinity", 1.0], ["Infinity", 1]), (["-Infinity", None], ["-Infinity", None]), ([], [])],
)
def test_what_is_not_finite_or_not_there_equals_itself(values: list[object], right: list[object]) -> None:
    check_expect({"y": right}, vector("FP32"))
    assert judge({"y": values}, {"y": right}) is None


@pytest.mark.parametrize(
    ("value", "right", "said"),
    [
        (None, 0.0, "output `y` is null (NaN), expected 0.0"),
        (0.0, None, "output `y` is 0.0, expected null (NaN)"),
        ("Infinity", "-Infinity", "output `y` is 'Infinity', expected '-Infinity'"),
        ("Infinity", 3e38, "output `y` is 'Infinity', expected 3e+38"),
        ("Infinity", {"min": 0}, "output `y` is 'Infinity', expected between 0 and inf"),
        (None, {"max": 1}, "output `y` is null (NaN), expected between -inf and 1"),
    ],
)
def test_what_is_not_finite_equals_nothing_else(value: object, right: object, said: str) -> None:
    check_expect({"y": right}, vector("FP32"))
    reason = judge({"y": [value]}, {"y": right})
    assert reason is not None
    assert reason.startswith(said)


def test_an_empty_answer_is_expected_by_an_empty_list_alone() -> None:
    check_expect({"probabilities": []}, DIGITS)
    assert judge({"probabilities": []}, {"probabilities": []}) is None
    assert "has the shape [1, 1], expected [0]" in str(judge({"probabilities": [[0.1]]}, {"probabilities": []}))
    assert "has the shape [0], expected [1, 1]" in str(judge({"probabilities": []}, {"probabilities": [[0.1]]}))


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1])
def test_integers_of_64_bits_are_compared_exactly(number: int) -> None:
    check_expect({"label": number}, DIGITS)
    assert judge({"label": [number]}, {"label": number}) is None
    assert judge({"label": [number]}, {"label": number + (1 if number < 0 else -1)}) is not None


def test_integers_are_compared_without_tolerance() -> None:
    assert judge({"y": [1000]}, {"y": {"value": 1001, "tolerance": 5}}) is not None
    assert judge({"y": [1000.0]}, {"y": {"value": 1001, "tolerance": 5}}) is None


def test_text_and_booleans_are_compared_as_they_are() -> None:
    assert judge({"y": ["cat"]}, {"y": "cat"}) is None
    assert judge({"y": ["cat"]}, {"y": "dog"}) == "output `y` is 'cat', expected 'dog'"
    assert judge({"y": [True]}, {"y": True}) is None
    assert judge({"y": [True]}, {"y": 1}) is not None


@pytest.mark.parametrize(
    ("expect", "part"),
    [
        ({}, "`expect` is {}"),
        ([], "`expect` is []"),
        ({"lable": 7}, "did you mean `label`?"),
        ({"label": "seven"}, "`expect.label` has 'seven'; allowed: whole numbers"),
        ({"label": 7.5}, "whole numbers"),
        ({"label": True}, "whole numbers"),
        ({"label": None}, "`expect.label` has None; allowed: whole numbers"),
        ({"label": "Infinity"}, "`expect.label` has 'Infinity'; allowed: whole numbers"),
        ({"label": 2**63}, "`expect.label` has 9223372036854775808; allowed: whole numbers that INT64 has"),
        ({"label": [[]]}, "`expect.label` has the shape [1, 0]"),
        ({"probabilities": [[]]}, "`expect.probabilities` has the shape [1, 0]"),
        ({"probabilities": [["NaN"] * 10]}, "has 'NaN'; allowed: numbers, null for NaN"),
        ({"label": [[1], [2, 3]]}, "has 2 values where"),
        ({"label": [[7]]}, "`expect.label` has the shape [1, 1]"),
        ({"probabilities": 1}, "is one value, and the output has the shape [any, 10]"),
        ({"probabilities": [[1.0] * 9]}, "has the shape [1, 9]"),
        ({"label": {"value": 7, "tolerance": -1}}, "`expect.label.tolerance` is -1"),
        ({"label": {"min": 2, "max": 1}}, "has min 2 above max 1"),
        ({"label": {"min": "2"}}, "`expect.label.min` is '2'"),
        ({"label": {"minimum": 2}}, "`expect.label` is {'minimum': 2}"),
        ({"label": {}}, "`expect.label` is {}"),
        ({"label": float("nan")}, "has nan"),
    ],
)
def test_an_expectation_that_no_answer_can_meet_is_refused(expect: object, part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_expect(expect, DIGITS)  # type: ignore[arg-type]
    assert part in str(caught.value)


def test_bounds_for_text_are_refused() -> None:
    with pytest.raises(BadRequest, match="bounds are for numbers only"):
        check_expect({"y": {"min": 1}}, vector("BYTES"))


def test_any_shape_may_be_expected_of_an_output_whose_rank_nobody_knows() -> None:
    unknown = Signature((), (Tensor("y", "FP32", ()),), {})
    for expected in (1.0, [1.0, 2.0], [[1.0], [2.0]]):
        check_expect({"y": expected}, unknown)
    assert judge({"y": [[1.0], [3.0]]}, {"y": [[1.0], [2.0]]}) is not None


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "tolerance", "min", "max", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    expect=st.dictionaries(st.sampled_from(["label", "probabilities", "y"]), ANY, max_size=2),
    signature=st.sampled_from([DIGITS, vector("BYTES"), vector("BOOL")]),
    outputs=st.dictionaries(st.sampled_from(["label", "probabilities", "y"]), ANY, max_size=3),
)
def test_any_expectation_is_refused_or_judges_any_answer(
    expect: dict[str, object], signature: Signature, outputs: dict[str, object]
) -> None:
    try:
        check_expect(expect, signature)
    except BadRequest:
        return
    reason = judge(outputs, expect)
    assert reason is None or reason

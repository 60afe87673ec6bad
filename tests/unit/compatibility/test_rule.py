"""How much higher a version has to be, what a version that was used may be used for, and how that is said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.compatibility.contents import Contents, Port, Signature
from slipway.compatibility.levels import Level, demanded
from slipway.compatibility.rule import Used, problem
from slipway.errors.base import Place

FIXTURES = Path(__file__).parents[2] / "fixtures" / "versions"
ROWS = Port(name="x", dtype="FP32", shape=(None, 3))
LABEL = Port(name="label", dtype="INT64", shape=(None,))
OPTIONAL = Port(name="mask", dtype="BOOL", shape=(None,), optional=True)


def made(weights: str = "a", architecture: str = "1", inputs: tuple[Port, ...] = (ROWS,)) -> Contents:
    signature = Signature(inputs=inputs, outputs=(LABEL,))
    return Contents(weights=weights * 64, architecture=architecture * 64, signature=signature)


OLD = made()
OTHER_SHAPE = made("b", inputs=(ROWS.model_copy(update={"shape": (None, 4)}),))
OTHER_TYPE = made("b", inputs=(ROWS.model_copy(update={"dtype": "FP64"}),))
RENAMED = made("b", inputs=(ROWS.model_copy(update={"name": "rows"}),))
NEW_INPUT = made("b", inputs=(ROWS, OPTIONAL.model_copy(update={"optional": False})))


@pytest.mark.parametrize("new", [OTHER_SHAPE, OTHER_TYPE, RENAMED, NEW_INPUT, made("b", "2")])
def test_another_signature_or_architecture_demands_a_major(new: Contents) -> None:
    assert demanded(OLD, new, fix=True)[0] == Level.MAJOR


@pytest.mark.parametrize("new", [made("b"), made("b", "2", (ROWS, OPTIONAL)), made("b", "1", (ROWS, OPTIONAL))])
def test_other_weights_and_an_input_that_may_be_left_out_demand_a_minor(new: Contents) -> None:
    assert demanded(OLD, new, fix=False)[0] == Level.MINOR


def test_other_weights_that_are_declared_a_fix_demand_a_patch() -> None:
    assert demanded(OLD, made("b"), fix=True)[0] == Level.PATCH


def test_nothing_changed_demands_nothing_and_what_is_not_known_is_not_compared() -> None:
    assert demanded(OLD, OLD, fix=False) == (Level.NONE, ())
    assert demanded(Contents(weights="a" * 64), made("b", "2"), fix=False)[0] == Level.MINOR


def said(version: str, new: Contents, *used: tuple[str, Contents], fixes: str | None = None) -> str:
    before = [Used(name, contents, f"commit {index}") for index, (name, contents) in enumerate(used)]
    wrong = problem(version, new, fixes, before, [], Place("models/digits.yaml", 3), "version")
    return "" if wrong is None else str(wrong)


@pytest.mark.parametrize(
    ("version", "new", "before"),
    [
        ("1.1.0", made("b"), "1.0.0"),
        ("2.0.0", made("b", "2"), "1.4.2"),
        ("1.0.1", OLD, "1.0.0"),
        ("0.1.1", made("b"), "0.1.0"),
        ("0.2.0", made("b", "2"), "0.1.9"),
        ("1.1.0-dev", made("b"), "1.1.0-dev"),
        ("1.0.1-rc.1", made("b", "2"), "1.0.0"),
        ("1.0.0", OLD, "1.0.0"),
        ("1.0.0", made("b"), "2.0.0"),
    ],
)
def test_a_version_that_is_high_enough_is_taken(version: str, new: Contents, before: str) -> None:
    assert said(version, new, (before, OLD)) == ""


def test_a_fix_is_one_of_the_version_before_it_and_of_no_other() -> None:
    assert said("1.0.1", made("b"), ("1.0.0", OLD), fixes="1.0.0") == ""
    assert "is too low after 1.0.1" in said("1.0.2", made("c"), ("1.0.1", made("b")), ("1.0.0", OLD), fixes="1.0.0")


def test_a_version_is_held_against_the_highest_below_it_whatever_was_used_last() -> None:
    used = (("1.0.0", OLD), ("2.0.0", made("b", "2")))
    assert said("1.1.0", made("c"), *used) == ""
    assert "is too low after 2.0.0" in said("2.1.0", OLD, *used)


def test_the_version_to_write_next_is_one_that_nothing_else_had() -> None:
    assert said("1.0.0", made("b"), ("1.1.0", made("c")), ("1.0.0", OLD)).endswith("next: write 1.2.0")


def test_builds_of_one_version_are_one_version() -> None:
    assert "was used for other weights" in said("1.0.0+b", made("b"), ("1.0.0+a", OLD))


REFUSED = {
    "reused": ("1.0.0", made("b"), "1.0.0"),
    "weights": ("1.0.1", made("b"), "1.0.0"),
    "shape": ("1.1.0", OTHER_SHAPE, "1.0.0"),
    "name": ("1.1.0", RENAMED, "1.0.0"),
    "architecture": ("1.1.0", made("b", "2"), "1.0.0"),
    "below-1": ("0.1.1", made("b", "2"), "0.1.0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_changed_and_which_version_to_write(name: str, golden: Callable[[Path, str], None]) -> None:
    version, new, before = REFUSED[name]
    golden(FIXTURES / f"{name}.txt", said(version, new, (before, OLD)) + "\n")

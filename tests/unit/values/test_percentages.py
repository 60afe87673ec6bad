"""A percentage is read and written the same, and a bare number is none: nobody can tell what 0.5 means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipway.values.percentages import format_percentage, parse_percentage


@given(st.integers(0, 100_000))
def test_a_percentage_is_read_and_written_the_same(thousandths: int) -> None:
    share = thousandths / 100_000
    assert parse_percentage(format_percentage(share), "0", 3, "1%") == share


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        0.05,
        "5",
        "5 %",
        "-1%",
        "100.1%",
        "0.05%",
        "1e1%",
        "\N{ARABIC-INDIC DIGIT FIVE}%",
        "nan%",
        "",
        None,
        True,
        ["5%"],
    ],
)
def test_what_is_no_percentage_is_refused(wrong: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_percentage(wrong, "0.1", 1, "5%")

"""Rates and prices keep what was written, to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipway.values.rates import Rate, format_price, parse_price, parse_rate

PRICES = st.decimals(min_value=0, max_value=1_000_000, places=12, allow_nan=False, allow_infinity=False)


@given(st.integers(1, 9_999_999), st.sampled_from(["s", "min"]))
def test_a_rate_is_read_and_written_the_same(count: int, unit: str) -> None:
    rate = parse_rate(f"{count}/{unit}")
    assert (rate.count, rate.per_s) == (count, {"s": 1, "min": 60}[unit])
    assert str(rate) == f"{count}/{unit}"


@pytest.mark.parametrize("wrong", [100, "100", "0/s", "-1/s", "1.5/s", "100/h", "100 / s", "٣/s", None, True, ["1/s"]])
def test_what_is_no_rate_is_refused(wrong: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_rate(wrong)


@given(PRICES)
def test_a_price_is_read_and_written_the_same(price: Decimal) -> None:
    assert parse_price(format_price(price)) == price
    assert "E" not in format_price(price)


@pytest.mark.parametrize(("written", "price"), [(0.0002, "0.0002"), (2e-6, "0.000002"), (20, "20"), ("0.10", "0.1")])
def test_a_price_is_the_number_that_stands_there(written: object, price: str) -> None:
    assert format_price(parse_price(written)) == price


@pytest.mark.parametrize("wrong", [-1, -0.01, 1e7, 1e-13, float("nan"), float("inf"), "free", "", True, None, [1]])
def test_what_is_no_price_is_refused(wrong: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_price(wrong)


def test_a_rate_is_a_value() -> None:
    assert parse_rate(Rate(5, 1)) == Rate(5, 1)

"""A header that tells callers apart is one that they may set, and that holds no secret."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipway.values.headers import parse_header_name, parse_header_value


@given(st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=40).map(lambda rest: f"my-{rest}"))
def test_a_name_of_ones_own_is_taken_as_it_is(name: str) -> None:
    assert parse_header_name(name) == name


@pytest.mark.parametrize(
    "wrong",
    [
        *("X-Session", "x session", "x_session", "-x", "1x", "x:", "x" * 64, "", 5, None),
        *("host", "cookie", "authorization", "x-slipway-variant", "x-envoy-retry-on", "x-forwarded-for"),
    ],
)
def test_what_is_no_name_of_ones_own_is_refused(wrong: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_header_name(wrong)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255))
def test_any_printable_value_is_taken_as_it_is(value: str) -> None:
    assert parse_header_value(value) == value


@pytest.mark.parametrize("wrong", ["", " next", "next ", "nächste", "a\r\nb", "x" * 256, 5, True, None])
def test_what_no_header_may_hold_is_refused(wrong: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_header_value(wrong)

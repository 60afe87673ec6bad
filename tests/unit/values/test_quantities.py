"""What carries a unit is read exactly and written back as Kubernetes reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipway.values.quantities import (
    format_bytes,
    format_cpu,
    format_seconds,
    parse_bytes,
    parse_cpu,
    parse_seconds,
    parse_semver,
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("512Mi", 536870912), ("1.5Gi", 1610612736), ("2G", 2_000_000_000), ("1k", 1000), ("1Ki", 1024)],
)
def test_memory_is_read_in_powers_of_1024_or_1000(text: str, amount: int) -> None:
    assert parse_bytes(text) == amount


@pytest.mark.parametrize(("text", "millis"), [("500m", 500), ("2", 2000), (2, 2000), (0.25, 250), ("1.5", 1500)])
def test_cpu_is_read_in_cores_or_thousandths(text: object, millis: int) -> None:
    assert parse_cpu(text) == millis


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("2m", 120), ("1h", 3600), ("0.1s", 0.1)])
def test_times_are_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@given(st.integers(1, 2**50))
def test_memory_that_was_written_reads_back_exactly(amount: int) -> None:
    text = format_bytes(amount)
    assert (int(text) if text.isdecimal() else parse_bytes(text)) == amount


@given(st.integers(1, 1_024_000))
def test_cpu_that_was_written_reads_back_exactly(millis: int) -> None:
    assert parse_cpu(format_cpu(millis)) == millis


@given(st.integers(1, 86_400_000))
def test_a_time_that_was_written_reads_back_exactly(millis: int) -> None:
    assert parse_seconds(format_seconds(millis / 1000)) == pytest.approx(millis / 1000, abs=1e-9)


@pytest.mark.parametrize("text", ["1.0.0", "0.0.4", "1.2.3-rc.1", "1.0.0+build", "1.0.0--", "1.0.0-0A.is.legal"])
def test_a_semantic_version_is_accepted(text: str) -> None:
    assert parse_semver(text) == text


@pytest.mark.parametrize(
    "text", ["1", "1.2", "01.1.1", "1.1.1-01", "1.0.0-", "1.0.0+", "v1.0.0", "1.0.0 ", "\u0661.0.0"]
)
def test_any_other_version_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="not a semantic version"):
        parse_semver(text)


@pytest.mark.parametrize("value", [True, None, [], {}, "\u0663s", "1e3s", "-1s", "", " 1s", "1 s", "infs", "nans"])
def test_what_only_looks_like_a_time_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_seconds(value)

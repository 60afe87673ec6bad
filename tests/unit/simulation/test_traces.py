"""Traces are read in each of their formats, in any order, and what is wrong with a line is said with its number."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors.base import UserError
from slipway.simulation.traces.formats import BadLine, format_of, log_format
from slipway.simulation.traces.trace import Trace, read_trace

ROUTE = "httproute/shop/digits/"


def read(folder: Path, text: str | bytes, name: str = "trace") -> Trace:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace(file, ROUTE, 1)


def refused(folder: Path, text: str | bytes) -> str:
    with pytest.raises(UserError) as refusal:
        read(folder, text)
    return str(refusal.value).replace(f"{folder}/", "")


def test_a_csv_file_has_times_and_durations_in_any_order(tmp_path: Path) -> None:
    trace = read(tmp_path, "duration_ms,time\r\n20,100.5\r\n,100.25\n\n40,103.5\n")
    assert trace.moments.tolist() == [0.0, 0.25, 3.25]
    assert trace.began_at == 100.25
    assert sorted(trace.quiet_s.tolist()) == [0.02, 0.04]
    assert not trace.spread


def test_times_are_seconds_or_of_the_calendar(tmp_path: Path) -> None:
    text = "time\n2026-05-04T12:00:00.5Z\n2026-05-04T14:00:01+02:00\n2026-05-04 12:00:02\n1777896003.5\n"
    trace = read(tmp_path, text)
    assert trace.moments.tolist() == [0.0, 0.5, 1.5, 3.0]
    assert trace.began_at == datetime(2026, 5, 4, 12, 0, 0, 500_000, tzinfo=UTC).timestamp()


def test_rows_with_counts_are_spread_until_the_next_row(tmp_path: Path) -> None:
    trace = read(tmp_path, "time,count\n60,6000\n0,60\n120,0\n300,10\n")
    assert trace.moments.size == 6070
    absolute = trace.moments + trace.began_at
    numbers = [np.count_nonzero((absolute >= begin) & (absolute < begin + 60)) for begin in (0, 60, 120, 180)]
    # The row with nothing is no row: that of 60 goes on until that of 300.
    assert numbers[0] == 60
    assert sum(numbers[1:]) == pytest.approx(4500, abs=150)
    assert np.all(np.diff(absolute) >= 0)


def test_whole_seconds_are_spread_over_each(tmp_path: Path) -> None:
    trace = read(tmp_path, "time\n" + "10\n" * 500 + "11\n" * 500)
    assert trace.spread
    assert trace.duration_s < 2
    assert 450 < np.count_nonzero(trace.moments + trace.began_at < 11) <= 500
    assert np.unique(trace.moments).size == 1000


LOG = (
    '203.0.113.7 - jo "hn [04/May/2026:12:00:0{} +0200] "POST /predict?q=\\"x\\" HTTP/1.1" {} 512 "-" "curl/8 [x]" 0.1'
)


def test_access_logs_leave_out_what_asked_no_model(tmp_path: Path) -> None:
    lines = [LOG.format(0, 200), LOG.format(1, 401), LOG.format(1, 503), LOG.format(2, 404)]
    trace = read(tmp_path, "\n".join(lines))
    assert (trace.moments.size, trace.passed_over, trace.quiet_s.size) == (2, 2, 0)
    assert trace.spread
    assert log_format(LOG.format(0, 200)) == (datetime(2026, 5, 4, 10, tzinfo=UTC).timestamp(), None, 1, True)


def gateway(at: float, *, route: str = "httproute/shop/digits/rule/0/match/0/x", status: int = 200) -> str:
    time = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"start_time": time, "status": status, "duration_ms": 32, "route": route, "flags": "-"})


def test_a_gateways_log_has_the_model_s_requests_alone(tmp_path: Path) -> None:
    other = gateway(1.5, route="httproute/shop/digits-2/rule/0")
    text = "\n".join([gateway(2.5), other, gateway(2, status=429), gateway(1)])
    trace = read(tmp_path, gzip.compress(text.encode()), "log.gz")
    assert trace.moments.tolist() == [0.0, 1.5]
    assert trace.passed_over == 2
    assert trace.quiet_s.tolist() == [0.032, 0.032]


def test_envoy_gateways_own_log_is_read_too(tmp_path: Path) -> None:
    line = {
        "start_time": "2026-05-04T12:00:00.123Z",
        "response_code": 200,
        "duration": "7",
        "route_name": ROUTE + "rule/0",
    }
    trace = read(tmp_path, json.dumps(line))
    assert trace.quiet_s.tolist() == [0.007]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "trace: has no request; allowed: a CSV file, an access log"),
        ("time,duration_ms\n", "trace: has no request;"),
        ("hello\n", 'trace:1: "hello" begins no trace that is known; allowed: a CSV file whose first line names'),
        ("time,duration\n1,2\n", 'trace:1: "duration" is no column of a trace; allowed: time, duration_ms, count; '
         "next: write duration_ms instead"),
        ("time,time\n1,2\n", 'trace:1: "time" is named twice'),
        ("duration_ms,count\n1,2\n", "trace:1: time: has no such column"),
        ("time\n1\nsoon\n", 'trace:3: time: "soon" is no time; allowed: seconds, or a time as 2026-05-04T12'),
        ("time\n-1\n", 'trace:2: time: "-1" is out of range'),
        ("time\nnan\n", 'trace:2: time: "nan" is no time'),
        ("time,duration_ms\n1,fast\n", 'trace:2: duration_ms: "fast" is no duration; allowed: milliseconds'),
        ("time,count\n1,-4\n", 'trace:2: count: "-4" is no number of requests'),
        ("time,count\n1,1000000000\n2,1\n", "trace: has 1,000,000,001 requests; allowed: at most 200,000,000"),
        ("time,count\n1\n", "trace:2: has 1 columns; allowed: 2, as the first line has"),
        ('time,count\n"1,2\n', "trace:2: is not CSV"),
        (LOG.format(0, 200) + "\nhello\n", "trace:2: is not in Common or Combined Log Format; allowed: as 203.0.113.7"),
        (LOG.format(0, 200).replace("/May/", "/Mai/"), 'trace:1: time: "04/Mai/2026:12:00:00 +0200" is no time'),
        (LOG.format(0, 200).replace("04/May", "31/Feb"), 'trace:1: time: "31/Feb/2026:12:00:00 +0200" is not in the'),
        ('{"time": 1}\n{"time"\n', "trace:2: is not JSON"),
        ('{"time": 1}\n[]\n', "trace:2: is no JSON object"),
        ('{"at": 1}\n', "trace:1: start_time: is missing, and so is time"),
        (gateway(1, route="httproute/shop/other/"), "trace: has no request of the model: 1 lines are of other routes"),
        ("time\n" + "1" * 70_000, "trace:2: has more than 65,536 characters"),
        (gzip.compress(b"time\n1\n", mtime=0)[:-6], "trace: its compressed data is damaged"),
        (b"\x1f\x8bnonsense", "trace: its compressed data is damaged"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert refused(tmp_path, text).startswith(said)


def test_ten_wrong_lines_are_told_together(tmp_path: Path) -> None:
    said = refused(tmp_path, "time\n" + "never\n" * 50)
    assert [line.partition(": ")[0] for line in said.splitlines()] == [f"trace:{number}" for number in range(2, 12)]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv: "):
        read_trace(tmp_path / "none.csv", ROUTE, 1)


MOMENTS = st.lists(st.floats(0, 1e9).map(lambda number: round(number, 3)), min_size=1, max_size=40)


@given(moments=MOMENTS, took=st.floats(0, 1e6))
def test_what_was_written_is_read_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, moments: list[float], took: float
) -> None:
    folder = tmp_path_factory.mktemp("traces")
    csv = read(folder, "time,duration_ms\n" + "".join(f"{at!r},{took!r}\n" for at in moments))
    as_json = read(folder, "\n".join(json.dumps({"time": at, "duration_ms": took}) for at in moments))
    for trace in (csv, as_json):
        assert trace.moments.size == len(moments)
        assert np.all(np.diff(trace.moments) >= 0)
        if not trace.spread:
            assert trace.moments + trace.began_at == pytest.approx(sorted(moments), abs=1e-6)
        assert trace.quiet_s == pytest.approx([took / 1000] * trace.quiet_s.size)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for first in ("{" + text, "time," + text, text, LOG.format(0, 200)):
        try:
            understood, _ = format_of(first, ROUTE)
            understood(text)
        except BadLine as bad:
            assert bad.problem
            assert bad.todo


def test_service_times_are_those_of_the_quietest_times(tmp_path: Path) -> None:
    """Ten busy minutes with 20 requests a second that take 200 ms, then ten quiet ones with one that takes 20 ms."""
    busy = "".join(f"{0.05 * i:.3f},200\n" for i in range(12_000))
    quiet = "".join(f"{600.5 + i},20\n" for i in range(2_000))
    trace = read(tmp_path, "time,duration_ms\n" + busy + quiet)
    assert trace.quiet_s.size == 1400
    assert set(trace.quiet_s.tolist()) == {0.02}


def test_a_long_trace_is_sampled_evenly(tmp_path: Path) -> None:
    text = "".join(f"{i}.5,{i}\n" for i in range(60_000))
    trace = read(tmp_path, "time,duration_ms\n" + text)
    assert trace.moments.size == 60_000
    assert trace.quiet_s.size == 2_000
    assert np.unique(trace.quiet_s).size == 2_000

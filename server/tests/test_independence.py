"""Rows run together only where trials could have shown that they depend on each other, and did not."""

from pathlib import Path

import numpy as np
import onnx_models
import pytest
import row_models
from row_models import BLIND, DEPENDENT, INDEPENDENT, Case
from slipway_server.backends.base import Cancellation
from slipway_server.backends.onnx.session import OnnxSession
from slipway_server.execution import independence
from slipway_server.execution.compare import close, sizes
from slipway_server.execution.finding import Finding, Verdict
from slipway_server.execution.independence import try_rows
from slipway_server.execution.samples import SHOWN, Sampler, Source
from slipway_server.values.batching import Batching

MAX_ROWS = 32


def found(folder: Path, name: str, case: Case, max_rows: int = MAX_ROWS) -> Finding:
    steps, inputs, outputs, golden = case
    path = row_models.make(folder, name.replace(" ", "-"), steps, inputs, outputs)
    return try_rows(OnnxSession(path, 1), golden, max_rows, Cancellation())


@pytest.mark.parametrize("name", DEPENDENT)
def test_rows_that_depend_on_each_other_are_found_out(name: str, folder: Path) -> None:
    finding = found(folder, name, DEPENDENT[name])
    assert finding.verdict is Verdict.DEPENDENT, finding.reason


@pytest.mark.parametrize("name", DEPENDENT)
def test_two_rows_are_enough_to_find_out(name: str, folder: Path) -> None:
    hidden = name in ("only from four rows on", "only for a number of rows that three divides")
    assert found(folder, name, DEPENDENT[name], 2).verdict is (Verdict.INDEPENDENT if hidden else Verdict.DEPENDENT)


@pytest.mark.parametrize("name", BLIND)
def test_a_trial_that_cannot_show_anything_says_so(name: str, folder: Path) -> None:
    finding = found(folder, name, BLIND[name])
    assert finding.verdict is Verdict.UNKNOWN, finding.reason


@pytest.mark.parametrize("name", INDEPENDENT)
def test_rows_that_leave_each_other_alone_are_found_to(name: str, folder: Path) -> None:
    finding = found(folder, name, INDEPENDENT[name])
    assert (finding.verdict, finding.max_rows) == (Verdict.INDEPENDENT, MAX_ROWS), finding.reason
    assert not finding.held


def test_an_input_that_the_golden_request_never_varies_is_held(folder: Path) -> None:
    steps = "b = Cast(t) to=9; m = ReduceMean(x) axes=[0]; d = Where(b, m, zero); y = Add(x, d)"
    inputs = {"t": (onnx_models.INT64, ["N", 1]), "x": (onnx_models.FLOAT, ["N", 3])}
    golden = {"t": np.zeros((2, 1), np.int64), "x": np.zeros((2, 3), np.float32)}
    finding = found(folder, "switched", (steps, inputs, None, golden))
    assert finding.verdict is Verdict.INDEPENDENT
    assert {name: row.tolist() for name, row in finding.held.items()} == {"t": [0]}
    assert finding.reason.endswith("; a request with another `t` than the golden request has runs alone")
    golden["t"][1] = 1
    assert found(folder, "switched", (steps, inputs, None, golden)).verdict is Verdict.DEPENDENT


@pytest.mark.parametrize(
    ("source", "values", "rows"),
    [
        (Source.RANGE, set(range(3, 40)), None),
        (Source.SHOWN, {3, 4, 20, 39}, None),
        (Source.ROWS, {3, 4, 20, 39}, {(39, 3), (20, 4)}),
    ],
)
def test_whole_numbers_come_from_the_golden_request(
    source: Source, values: set[int], rows: set[tuple[int, ...]] | None
) -> None:
    sampler = Sampler({"ids": np.array([[39, 3], [20, 4]], np.uint8)})
    sampler.source = source
    drawn = sampler.draw(SHOWN[0], 1000, np.random.default_rng(0))["ids"]
    assert drawn.dtype == np.uint8
    assert set(drawn.ravel().tolist()) == values
    assert rows is None or set(map(tuple, drawn.tolist())) == rows


def test_columns_with_a_vocabulary_of_their_own_are_drawn_row_by_row(folder: Path) -> None:
    steps = (
        "a = Gather(ids, index0) axis=1; b = Gather(ids, index1) axis=1; "
        "c = Gather(table, a); d = Gather(short, b); y = Add(c, d)"
    )
    inputs = {"ids": (onnx_models.INT64, ["N", 2])}
    golden = {"ids": np.array([[39, 1], [20, 0], [7, 1]], np.int64)}
    assert found(folder, "vocabularies", (steps, inputs, None, golden)).verdict is Verdict.INDEPENDENT


def test_a_golden_request_without_rows_shows_nothing(folder: Path) -> None:
    case = ("y = Neg(x)", None, None, row_models.zeros(0))
    assert found(folder, "no rows", case).verdict is Verdict.UNKNOWN


def test_trials_that_are_ended_say_so(folder: Path) -> None:
    steps, inputs, outputs, golden = INDEPENDENT["a line"]
    ended = Cancellation()
    ended.cancel()
    session = OnnxSession(row_models.make(folder, "a line", steps, inputs, outputs), 1)
    finding = try_rows(session, golden, MAX_ROWS, ended)
    assert (finding.verdict, finding.reason) == (Verdict.UNKNOWN, "the trials took too long")


def test_rows_that_are_large_are_tried_in_smaller_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(independence, "BATCH_BYTES", 5 * 3 * 4)
    finding = found(folder, "a line", INDEPENDENT["a line"])
    assert (finding.verdict, finding.max_rows) == (Verdict.INDEPENDENT, 5)


def test_a_batch_that_fails_for_its_size_bounds_the_rows(folder: Path) -> None:
    # A table of nine entries, asked for the number of rows.
    steps = "s = Shape(x); n = Gather(s, index0); g = Gather(nine, n); z = Mul(g, zero); y = Add(x, z)"
    finding = found(folder, "nine at most", (steps, None, None, row_models.zeros()))
    assert (finding.verdict, finding.max_rows) == (Verdict.INDEPENDENT, 8)
    assert finding.reason.endswith(
        "; 14 could not be tried: rows that run alone fail together (numbers near the golden request's)"
    )


def test_an_input_without_values_is_held_to_its_shape(folder: Path) -> None:
    inputs = {"past": (onnx_models.FLOAT, ["N", "T"]), "x": (onnx_models.FLOAT, ["N", 3])}
    golden = {"past": np.zeros((1, 0), np.float32), "x": np.zeros((1, 3), np.float32)}
    steps = "p = ReduceSum(past, axis1); y = Add(x, p)"
    finding = found(folder, "first step of a decoder", (steps, inputs, None, golden))
    assert finding.verdict is Verdict.INDEPENDENT, finding.reason
    batching = Batching(finding.max_rows, finding.reason, finding.held)
    assert batching.tried(golden)
    assert not batching.tried(golden | {"past": np.zeros((1, 2), np.float32)})


@pytest.mark.parametrize(
    ("one", "other", "usual", "same"),
    [
        ([1.0, 1000.0], [1.0001, 1000.1], True, True),
        ([1.0, 1000.0], [1.001, 1000.0], True, False),  # against 1000 it would be little
        ([1.0, 1000.0], [1.01, 1000.0], False, True),
        ([0.0, 1000.0], [1e-4, 1000.0], True, True),
        ([0.0, 1000.0], [1e-2, 1000.0], True, False),
        ([np.nan, np.inf], [np.nan, np.inf], True, True),
        ([np.nan, np.inf], [0.0, np.inf], True, False),
        ([1.0, np.inf], [1.0, 3e38], True, False),
        ([1.0, np.inf], [1.0, 3e38], False, True),
    ],
)
def test_an_answer_is_compared_by_the_size_of_each_element(
    one: list[float], other: list[float], usual: bool, same: bool
) -> None:
    size = sizes([np.array([[one[0], 1000.0]], np.float32)])
    arrays = np.array([one], np.float32), np.array([other], np.float32)
    assert close(*arrays, size, 2e-4, usual) is same


@pytest.mark.parametrize(("one", "other", "same"), [(7, 7, True), (7, 8, False)])
def test_labels_are_the_same_or_not(one: int, other: int, same: bool) -> None:
    arrays = np.array([[one]]), np.array([[other]])
    assert close(*arrays, sizes([np.array([[9]])]), 2e-4, usual=True) is same
    assert close(*arrays, sizes([np.array([[9]])]), 2e-4, usual=False) is same

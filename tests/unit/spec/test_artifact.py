"""What a spec says about steps and acceptance is whole: one step an entry, and bounds that can be missed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from slipway.spec.artifact.accept import LOWER_IS_BETTER, Accept
from slipway.spec.artifact.optimize import KINDS, AnyStep, Step
from tests.support.pools import spec

STEP: TypeAdapter[AnyStep] = TypeAdapter(Step)
WRITTEN: dict[str, dict[str, Any]] = {
    "convert": {"convert": "onnx", "opset": 18, "inputs": {"x": {"dtype": "FP32", "shape": [None, 4]}}},
    "simplify": {"simplify": True},
    "quantize": {"quantize": "int8-static", "calibration": "a/rows.npz", "range": "entropy", "exclude": ["/fc"]},
    "prune": {"prune": "structured", "share": 0.5},
    "average": {"average": ["a.onnx", "b.onnx"]},
    "merge": {"merge": "top.onnx", "map": {"y": "x"}},
    "distill": {"distill": "a/distill.py", "teacher": "a/big.onnx", "alpha": 0.3, "data": "a/rows.npz"},
    "search": {"search": "a/search.py", "trials": 5, "data": "a/rows.npz", "min": 0.9},
    "script": {"script": "a/step.py", "reads": ["a/rows.npz"], "writes": "b.onnx", "requirements": "a/req.txt"},
}
READS = {
    "quantize": ("a/rows.npz",),
    "average": ("a.onnx", "b.onnx"),
    "merge": ("top.onnx",),
    "distill": ("a/distill.py", "a/big.onnx", "a/rows.npz"),
    "search": ("a/search.py", "a/rows.npz"),
    "script": ("a/step.py", "a/req.txt", "a/rows.npz"),
}
METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "mse", "rmse", "cosine")


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_is_read_and_written_the_same_and_says_what_it_reads(kind: str) -> None:
    step = STEP.validate_python(WRITTEN[kind])
    assert (step.kind, step.files) == (kind, READS.get(kind, ()))
    assert step.model_dump(mode="json") == WRITTEN[kind]


@given(st.sets(st.sampled_from(KINDS)))
def test_an_entry_is_exactly_one_step(kinds: set[str]) -> None:
    together = {key: value for kind in sorted(kinds) for key, value in WRITTEN[kind].items()}
    if len(kinds) == 1:
        assert STEP.validate_python(together).kind in kinds
    else:
        with pytest.raises(ValidationError, match=r"names (no step|two steps)"):
            STEP.validate_python(together)


@given(st.sampled_from(METRICS), st.sets(st.sampled_from(["min", "max", "max_drop", "agreement"])), st.booleans())
def test_bounds_are_accepted_exactly_when_one_can_be_missed(metric: str, rules: set[str], named: bool) -> None:
    written = {"dataset": "a.npz"} | dict.fromkeys(rules, 0.5) | ({"metric": metric} if named else {})
    wrong = "min" if metric in LOWER_IS_BETTER else "max"
    right = bool(rules) and (wrong not in rules if named else rules == {"agreement"})
    if right:
        assert {rule for rule in rules if getattr(Accept.model_validate(written), rule) == 0.5} == rules
    else:
        with pytest.raises(ValidationError):
            Accept.model_validate(written)


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, False),
        ({"artifact": {"source": "a.onnx", "format": "onnx"}}, False),
        ({"artifact": {"source": "a.keras", "format": "keras"}}, True),
        ({"optimize": [{"simplify": True}]}, True),
        ({"accept": {"dataset": "a.npz", "agreement": 0.9}}, True),
        ({"runtime": "torch", "artifact": {"source": "a.pt", "inputs": WRITTEN["convert"]["inputs"]}}, True),
    ],
)
def test_a_lock_is_needed_where_what_serves_is_not_the_file_that_the_spec_names(
    changes: dict[str, Any], needed: bool
) -> None:
    assert spec(**changes).needs_lock is needed


def test_inputs_of_an_artifact_are_refused_where_nothing_goes_by_them() -> None:
    with pytest.raises(ValidationError, match="is given, though runtime onnxruntime does not go by it"):
        spec(artifact={"source": "a.onnx", "inputs": WRITTEN["convert"]["inputs"]})

"""The step `search` in its real environment: which candidate it takes, and what it refuses."""

import numpy as np
import onnx
import pytest

from slipway.toolbox.errors import StepRefused
from tests.unit.optimize.conftest import Bench
from tests.unit.optimize.models import ROOT, arrays, digits

TRAIN = "models/digits/train.npz"
# Least squares on the first `columns` pixels: trained in milliseconds, larger and better the more pixels it takes.
SCRIPT = """
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper

def candidate(trial, inputs, right, seed):
    columns = trial.suggest_int("columns", 1, 64)
    {first}
    pixels = inputs["image"].reshape(-1, 64)[:, :columns]
    weights = np.linalg.lstsq(np.c_[pixels, np.ones(len(pixels))], np.eye(10)[right["label"]], rcond=None)[0]
    number = lambda name, array: numpy_helper.from_array(array, name)
    nodes = [
        helper.make_node("Flatten", ["image"], ["all"]),
        helper.make_node("Slice", ["all", "start", "end", "axis"], ["some"]),
        helper.make_node("Gemm", ["some", "w", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["logits"], ["{output}"], axis=1, keepdims=0),
    ]
    outputs = [("{output}", TensorProto.INT64, ["N"]), ("probabilities", TensorProto.FLOAT, ["N", 10])]
    graph = helper.make_graph(
        nodes, "digits", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info(*one) for one in outputs],
        [number("w", weights[:-1].astype(np.float32)), number("b", weights[-1].astype(np.float32)),
         number("start", np.array([0])), number("end", np.array([columns])), number("axis", np.array([1]))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
"""


def written(bench: Bench, least: float, first: str = "", output: str = "label", data: str = TRAIN) -> dict[str, object]:
    """The step, with a script of this test's folder."""
    (bench.folder / "mine.py").write_text(SCRIPT.format(first=first or "pass", output=output))
    return {"search": "mine.py", "trials": 12, "data": data, "min": least}


def test_the_smallest_candidate_that_answers_well_enough_is_taken(bench: Bench) -> None:
    done = bench.do(written(bench, 0.8))
    settings = done.answer["settings"]
    won = settings["won"]
    assert won["score"] >= 0.8 and won["bytes"] == len(onnx.load(done.model).SerializeToString(deterministic=True))
    assert (settings["learnt"], settings["judged"]) == (1011, 336)
    # Each trial was told in a line, so that what won can be held against all others.
    lines = [line for line in bench.told if line.startswith("trial ")]
    found = [(float(line.split("): ")[1].split(",")[0]), int(line.split(", ")[-1].split()[0])) for line in lines]
    assert len(found) == 12
    assert won["bytes"] == min(size for score, size in found if score >= 0.8)
    assert min(size for _, size in found) < won["bytes"], "no trial was too small: the test shows nothing"
    with np.load(ROOT / "models/digits/test.npz") as held:
        assert np.mean(done.answers("label", image=held["image"]) == held["label"]) > 0.7


def test_two_processes_try_the_same_candidates(bench: Bench) -> None:
    step = written(bench, 0.8)
    done, again = bench.do(step), bench.do(step)
    assert done.answer["settings"] == again.answer["settings"]
    assert done.model.read_bytes() == again.model.read_bytes()


@pytest.mark.parametrize(
    ("least", "first", "output", "said"),
    [
        (1.0, "", "label", "none of 12 candidates answers 1 of 336 rows rightly; best: trial"),
        (0.8, "raise ValueError('no such layer')", "label", "failed in trial 1: ValueError: no such layer"),
        (0.8, "return 7", "label", "returned int, no model"),
        (0.8, "import optuna; raise optuna.TrialPruned", "label", "gave all of its 12 trials up"),
        (0.8, "", "digit", "changes the signature: output label INT64"),
    ],
    ids=["none is good enough", "the script fails", "no model", "all given up", "another signature"],
)
def test_a_search_is_refused(bench: Bench, least: float, first: str, output: str, said: str) -> None:
    with pytest.raises(StepRefused, match=said):
        bench.do(written(bench, least, first, output))


def test_rows_without_the_right_answers_are_refused(bench: Bench) -> None:
    arrays(bench.folder / "rows.npz", image=digits(8))
    with pytest.raises(StepRefused, match="has the right answers of no output"):
        bench.do(written(bench, 0.8, data="rows.npz"))


def test_the_example_is_a_script_of_the_step() -> None:
    text = (ROOT / "models/digits/search.py").read_text()
    assert "def candidate(" in text and "search: models/digits/search.py" in text

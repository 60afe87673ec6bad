"""Models of every format converted by their own framework's tools: what comes out answers the same, or is refused.

A few of scikit-learn and XGBoost run for each change, all of them and those of TensorFlow and PyTorch in full rounds.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime  # type: ignore[import-untyped]
import pytest
from pydantic import TypeAdapter

from slipway.formats.archives import unpack
from slipway.formats.recognise import recognise
from slipway.optimize.boxes import reader, where
from slipway.reading.files import BadFile
from slipway.spec.artifact.optimize import AnyStep, Step
from slipway.toolbox.box import Box
from slipway.toolbox.errors import StepRefused
from slipway.toolbox.running import run
from tests.support.rounds import FULL

MAKERS = Path(__file__).parents[2] / "fixtures" / "formats"
STEP: TypeAdapter[AnyStep] = TypeAdapter(Step)
IMAGE = {"image": {"dtype": "FP32", "shape": [None, 1, 8, 8]}}
NET = "models/digits/net.py:Net"
LIMIT_S = 600

full_rounds = pytest.mark.skipif(not FULL, reason="needs 7 GB of tools: SLIPWAY_ROUNDS=full")


class Models:
    """Small models that a script has made in a box, and their conversion."""

    def __init__(self, box: str, folder: Path) -> None:
        self.folder = folder / "models"
        self.folder.mkdir()
        self._work = folder
        self._runs = 0
        self._run(Box(box), str(MAKERS / box), {"to": str(self.folder)})

    def _run(self, box: Box, script: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._runs += 1
        work = self._work / str(self._runs)
        (work / "output").mkdir(parents=True)
        return run(box, script, request, work, lambda _: None, LIMIT_S)

    def signature(self, name: str) -> Mapping[str, Any]:
        """What the tools say that a model takes and gives."""
        weights = recognise(self.folder / name)
        given = {"folder": str(self.folder), "main": name, "format": weights}
        said: Mapping[str, Any] = self._run(reader(weights), "signature", {"input": given})["signature"]
        return said

    def convert(self, name: str, to: str = "onnx", **more: Any) -> tuple[Path, Mapping[str, Any]]:
        """The file that comes out, and what the step says."""
        path = self.folder / name
        weights = recognise(path)
        step = STEP.validate_python({"convert": to, **more})
        box, script = where(step, weights, self.folder)
        output = self._work / str(self._runs + 1) / "output"
        result = self._run(
            box,
            script,
            {
                "step": step.model_dump(mode="json"),
                "input": {"folder": str(path.parent), "main": name, "format": weights},
                "output": str(output),
                "files": {file: str(self.folder / Path(file).name) for file in step.files},
                "seed": 1,
            },
        )
        return output / result["main"], result


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models("trees", tmp_path_factory.mktemp("trees"))


@pytest.fixture(scope="session")
def tensorflow(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models("tensorflow", tmp_path_factory.mktemp("tensorflow"))


@pytest.fixture(scope="session")
def torch(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models("torch", tmp_path_factory.mktemp("torch"))


def outputs(path: Path) -> list[tuple[str, str]]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [(output.name, output.type) for output in session.get_outputs()]


@pytest.mark.parametrize(
    "name",
    [
        "digits.skops",
        "digits.json",
        pytest.param("digits.txt", marks=full_rounds),
        pytest.param("packed.joblib", marks=full_rounds),
    ],
)
def test_a_classifier_answers_the_same_with_probabilities_in_a_tensor(trees: Models, name: str) -> None:
    path, result = trees.convert(name)
    assert outputs(path) == [("label", "tensor(int64)"), ("probabilities", "tensor(float)")]
    assert result["notes"][0].startswith(f"answers as {recognise(trees.folder / name)} does")


@pytest.mark.parametrize("name", ["digits.ubj", "number.json", "binary.txt", "mlp.skops", "text.skops", "digits.pkl"])
@full_rounds
def test_other_models_of_the_same_libraries_answer_the_same(trees: Models, name: str) -> None:
    _, result = trees.convert(name)
    assert result["notes"][0].startswith("answers as")


@pytest.mark.parametrize(("name", "columns"), [("digits.skops", 64), ("digits.json", 64), ("digits.txt", 64)])
def test_what_a_model_takes_and_gives_is_found_by_asking_it(trees: Models, name: str, columns: int) -> None:
    said = trees.signature(name)
    assert said["inputs"] == [{"name": "input", "dtype": "FP32", "shape": [None, columns]}]
    assert [one["name"] for one in said["outputs"]] == ["label", "probabilities"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("payload.pkl", "posix.system"), ("hidden.joblib", "posix.system"), ("own.pkl", "Own; it was not loaded")],
)
def test_a_pickle_that_asks_for_more_than_models_need_is_not_loaded(trees: Models, name: str, says: str) -> None:
    with pytest.raises(StepRefused, match=says):
        trees.convert(name)
    assert not (trees.folder / "loaded").exists()


@full_rounds
@pytest.mark.parametrize("name", ["digits.skops", "digits.json", "digits.txt"])
def test_the_same_model_gives_the_same_bytes(trees: Models, name: str) -> None:
    assert trees.convert(name)[0].read_bytes() == trees.convert(name)[0].read_bytes()


@pytest.mark.parametrize(
    ("weights", "to", "says"),
    [
        ("onnx", "onnx", "are ONNX already"),
        ("onnx", "tflite", "ONNX is not converted to tflite"),
        ("skops", "tflite", "is not converted to tflite"),
        ("gguf", "onnx", "no runtime of this version"),
    ],
)
def test_what_nothing_converts_is_refused_before_any_tool_is_brought(weights: str, to: str, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        where(STEP.validate_python({"convert": to}), weights, Path())


@full_rounds
@pytest.mark.parametrize("name", ["digits.keras", "digits.h5", "saved", "two.keras"])
@pytest.mark.parametrize("to", ["onnx", "tflite"])
def test_models_of_tensorflow_answer_the_same(tensorflow: Models, name: str, to: str) -> None:
    path, result = tensorflow.convert(name, to)
    assert recognise(path) == to
    assert result["notes"][0].startswith("answers as")


@full_rounds
def test_a_tflite_file_becomes_onnx(tensorflow: Models) -> None:
    _, result = tensorflow.convert("digits.tflite")
    assert result["notes"][0].startswith("answers as tflite does")


@full_rounds
@pytest.mark.parametrize("name", ["digits.keras", "saved"])
def test_the_same_model_of_tensorflow_gives_the_same_bytes(tensorflow: Models, name: str) -> None:
    assert tensorflow.convert(name)[0].read_bytes() == tensorflow.convert(name)[0].read_bytes()


@full_rounds
@pytest.mark.parametrize(("name", "says"), [("own.keras", "the layer Own is not"), ("lambda.keras", "Lambda")])
def test_layers_of_a_users_own_are_refused_by_name(tensorflow: Models, name: str, says: str) -> None:
    with pytest.raises(StepRefused, match=says):
        tensorflow.convert(name)


@full_rounds
def test_an_archive_of_a_saved_model_is_the_same_model(tensorflow: Models, tmp_path: Path) -> None:
    assert recognise(tensorflow.folder / "saved.tar.gz") == "savedmodel"
    assert unpack(tensorflow.folder / "saved.tar.gz", tmp_path) == "saved"


@full_rounds
@pytest.mark.parametrize("name", ["traced.pt", "scripted.pt", "branch.pt"])
def test_torchscript_answers_the_same_with_inputs_given(torch: Models, name: str) -> None:
    _, result = torch.convert(name, inputs=IMAGE)
    assert result["notes"][0].startswith("answers as torchscript does")


@full_rounds
@pytest.mark.parametrize("name", ["digits.safetensors", "digits.pth"])
def test_numbers_of_pytorch_need_their_network(torch: Models, name: str) -> None:
    _, result = torch.convert(name, inputs=IMAGE, module=NET)
    assert result["notes"][0].startswith("answers as")


@full_rounds
def test_torch_export_says_its_inputs_itself(torch: Models) -> None:
    _, result = torch.convert("digits.pt2")
    assert result["settings"]["inputs"] == IMAGE


@full_rounds
def test_what_is_missing_is_asked_for(torch: Models) -> None:
    with pytest.raises(StepRefused, match="what the model takes is not known: TorchScript has no shapes"):
        torch.convert("traced.pt")
    with pytest.raises(StepRefused, match="what network these weights are of is not known"):
        torch.convert("digits.safetensors", inputs=IMAGE)
    with pytest.raises(StepRefused, match="has more than tensors"):
        torch.convert("whole.pth", inputs=IMAGE, module=NET)

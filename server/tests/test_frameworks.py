"""The server with PyTorch and with TensorFlow, in their tool environments: 7 GB, so that only full rounds run it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
import processes
import pytest
from slipway_server.backends.base import ModelError
from slipway_server.backends.loading import prepare
from slipway_server.values.config import ModelSection

FULL = os.environ.get("SLIPWAY_ROUNDS") == "full"
full_rounds = pytest.mark.skipif(not FULL, reason="needs 7 GB of tools: SLIPWAY_ROUNDS=full")
BOXES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "slipway" / "toolboxes"
TOOLS = processes.ROOT / "tools"
MAKERS = processes.ROOT / "tests" / "fixtures" / "formats"
LIMIT_S = 300
IMAGE = {"image": {"dtype": "FP32", "shape": [None, 1, 8, 8]}}


@dataclass(frozen=True)
class Model:
    """A file that the fixtures make, and what its step and its server are told."""

    backend: str
    path: str
    format: str
    shape: tuple[int, ...]
    output: str
    inputs: dict[str, Any]

    @property
    def signature(self) -> dict[str, Any]:
        image = {"name": "image", "datatype": "FP32", "shape": [None, *self.shape]}
        return {"inputs": [image], "outputs": [{"name": self.output, "datatype": "FP32", "shape": [None, 10]}]}


MODELS = {
    "traced": Model("torch", "traced.pt", "torchscript", (1, 8, 8), "output_0", IMAGE),
    "scripted": Model("torch", "scripted.pt", "torchscript", (1, 8, 8), "output_0", IMAGE),
    "exported": Model("torch", "digits.pt2", "torch-export", (1, 8, 8), "output_0", {}),
    "saved": Model("tensorflow", "saved/saved_model.pb", "savedmodel", (8, 8, 1), "output_0", {}),
    "keras": Model("tensorflow", "digits.keras", "keras", (8, 8, 1), "probabilities", {}),
}
EACH = pytest.mark.parametrize("name", MODELS)
ASK_TOO_MUCH = """\
import sys
from pathlib import Path
import numpy as np
from slipway_server.backends.loading import load
from slipway_server.values.config import ModelSection
from slipway_server.values.errors import AnswerTooLarge
section = ModelSection.model_validate_json(sys.argv[1])
session = load(section, 1, 2**28)
shape = section.signature.inputs[0].shape[1:]
before = session.run({"image": np.ones((2, *shape), np.float32)})
try:
    session.run({"image": np.zeros((400_000, *shape), np.float32)})
except AnswerTooLarge as error:
    print(error)
after = session.run({"image": np.ones((2, *shape), np.float32)})
print(all((before[name] == after[name]).all() for name in before))
"""


def packages(box: str) -> str:
    """The folder of a tool environment's packages, made by the conversions of tests/unit/formats."""
    found = sorted(BOXES.glob(f"{box}-*/lib/python*/site-packages"), key=os.path.getmtime)
    assert found, f"no tool environment {box} in {BOXES}; next: pytest tests/unit/formats/test_conversions.py"
    return str(found[-1])


def script(box: str, path: Path, work: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Run a script among the tools, and return its result."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "request.json").write_text(json.dumps(request))
    command = [sys.executable, str(TOOLS / "step.py"), str(path), str(work), str(2**33)]
    environment = {**os.environ, "PYTHONPATH": packages(box)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=LIMIT_S)
    result: dict[str, Any] = json.loads((work / "result.json").read_text())
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of both frameworks, each in a folder by the name of its backend."""
    folder = tmp_path_factory.mktemp("frameworks")
    for box in ("torch", "tensorflow"):
        (folder / box).mkdir()
        script(box, MAKERS / f"{box}.py", folder / f"{box}-work", {"to": str(folder / box)})
    return folder


def section(model: Model, made: Path) -> dict[str, Any]:
    path = str(made / model.backend / model.path)
    return {"name": "m", "version": "1.0.0", "path": path, "backend": model.backend, "signature": model.signature}


@pytest.fixture
def server(name: str, made: Path, tmp_path: Path) -> Iterator[processes.Server]:
    model = MODELS[name]
    request = {"inputs": {"image": np.full((1, *model.shape), 0.5).tolist()}}
    check = {"request": request, "expect": {model.output: {"min": 0, "max": 1}}}
    config = processes.config_for(Path(model.path), check, memory_bytes=2**30, max_body_bytes=2**20, drain_s=1.0)
    wrapper = ("env", f"PYTHONPATH={packages(model.backend)}")
    with processes.running(config | {"model": section(model, made)}, tmp_path, wrapper) as running:
        yield running


def infer(server: processes.Server, image: np.ndarray[Any, Any]) -> processes.Reply:
    """Send a V2 request with binary data."""
    data = image.tobytes()
    tensor = {"name": "image", "datatype": "FP32", "shape": list(image.shape)}
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(data)}}]}).encode()
    length = str(len(head))
    return server.ask("POST", "/v2/models/m/infer", head + data, inference_header_content_length=length)


@full_rounds
@EACH
def test_a_model_answers_as_its_onnx_does_and_stops_without_losing_a_call(
    name: str, server: processes.Server, made: Path, tmp_path: Path
) -> None:
    model = MODELS[name]
    image = np.random.default_rng(1).random((5, *model.shape), dtype=np.float32)
    reply = infer(server, image)
    assert reply.status == 200
    (answered,) = reply.json["outputs"]
    folder, main = made / model.backend, Path(model.path).parts[0]
    request = {
        "step": {"convert": "onnx", "inputs": model.inputs},
        "input": {"folder": str(folder), "main": main, "format": model.format},
        "output": str(tmp_path),
        "files": {},
    }
    script(model.backend, TOOLS / model.backend / "convert.py", tmp_path / "work", request)
    (expected,) = ort.InferenceSession(tmp_path / "model.onnx").run(None, {"image": image})
    np.testing.assert_allclose(np.reshape(answered["data"], answered["shape"]), expected, rtol=1e-3, atol=1e-4)
    server.terminate()
    assert infer(server, image).json["outputs"] == [answered]
    assert server.process.wait(processes.STOP_LIMIT_S) == 0


@full_rounds
@EACH
def test_the_lock_s_signature_is_the_one_that_serves(name: str, made: Path, tmp_path: Path) -> None:
    model = MODELS[name]
    source = {"folder": str(made / model.backend), "main": Path(model.path).parts[0], "format": model.format}
    request = {"step": {"inputs": model.inputs}, "input": source}
    found = script(model.backend, TOOLS / model.backend / "signature.py", tmp_path, request)["signature"]
    assert {
        side: [{"name": one["name"], "datatype": one["dtype"], "shape": one["shape"]} for one in found[side]]
        for side in ("inputs", "outputs")
    } == model.signature


@full_rounds
@EACH
def test_what_does_not_fit_into_memory_is_refused_and_the_next_request_answered(name: str, made: Path) -> None:
    model = MODELS[name]
    command = [sys.executable, "-c", ASK_TOO_MUCH, json.dumps(section(model, made))]
    environment = {**os.environ, "PYTHONPATH": packages(model.backend)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=LIMIT_S)
    refused, same = done.stdout.splitlines()
    assert refused.startswith("`inputs` make the model compute more than fits into its memory")
    assert same == "True"


@full_rounds
@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Model("tensorflow", "lambda.keras", "keras", (4,), "y", {}), "Lambda"),
        (Model("tensorflow", "own.keras", "keras", (4,), "y", {}), "own.keras: TensorFlow"),
        (Model("torch", "whole.pth", "pickle", (1, 8, 8), "y", {}), "PyTorch 2"),
    ],
    ids=["lambda", "own layer", "whole pickle"],
)
def test_code_in_a_file_is_refused_at_the_start(model: Model, says: str, made: Path, tmp_path: Path) -> None:
    config = processes.config_for(tmp_path, {"request": {"inputs": {}}, "expect": {}}, memory_bytes=2**30)
    wrapper = ("env", f"PYTHONPATH={packages(model.backend)}")
    server = processes.start(config | {"model": section(model, made)}, tmp_path, wrapper)
    assert server.process.wait(LIMIT_S) == 1
    assert says in server.log.read_text()


@full_rounds
def test_what_a_model_does_to_files_is_refused_before_it_is_loaded(made: Path, tmp_path: Path) -> None:
    maker = tmp_path / "maker.py"
    maker.write_text(
        "import torch\n"
        "class Reads(torch.nn.Module):\n"
        "    def forward(self, x: torch.Tensor) -> torch.Tensor:\n"
        "        torch.save(x, '/tmp/stolen')\n"
        "        return x\n"
        "def run(request):\n"
        f"    torch.jit.script(Reads()).save({str(tmp_path / 'reads.pt')!r})\n"
        "    return {}\n"
    )
    script("torch", maker, tmp_path / "make", {})
    source = {"folder": str(tmp_path), "main": "reads.pt", "format": "torchscript"}
    request = {"step": {"inputs": {"x": {"dtype": "FP32", "shape": [None]}}}, "input": source}
    found = script("torch", TOOLS / "torch" / "signature.py", tmp_path / "work", request)
    assert found["error"]["problem"].startswith("the model reads or writes files (")


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_an_image_without_the_library_says_so(backend: str) -> None:
    model = ModelSection.model_validate({"name": "m", "version": "1", "path": "/m", "backend": backend})
    with pytest.raises(ModelError, match=f"this image has no backend '{backend}'"):
        prepare(model)

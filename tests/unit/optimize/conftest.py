"""Steps carried out in the real environment of tools/onnx, which is made once on a machine."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from slipway.optimize.boxes import where
from slipway.spec.artifact.optimize import AnyStep, Step
from slipway.toolbox.running import run
from tests.unit.optimize.models import DIGITS, ROOT

STEP: TypeAdapter[AnyStep] = TypeAdapter(Step)


class Done:
    """A step's result: what it answered, and the file that it wrote."""

    def __init__(self, answer: Mapping[str, Any], folder: Path) -> None:
        self.answer = answer
        self.model = folder / answer["main"]

    @property
    def notes(self) -> str:
        return "\n".join(self.answer["notes"])

    def answers(self, output: str, **inputs: NDArray[Any]) -> NDArray[Any]:
        """What the model that was made answers."""
        return ask(self.model, output, **inputs)


def ask(model: Path, output: str, **inputs: NDArray[Any]) -> NDArray[Any]:
    """What a model answers, by ONNX Runtime."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([output], inputs)[0])


class Bench:
    """Runs steps. A step's paths are those of files of the test's folder, or of the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self._runs = 0

    def do(
        self, written: Mapping[str, Any], model: Path = DIGITS, weights: str = "onnx", beside: Sequence[str] = ()
    ) -> Done:
        """Carry out one step, as a spec writes it, in a process of its own."""
        step: AnyStep = STEP.validate_python(written)
        self._runs += 1
        work = self.folder / f"run{self._runs}"
        given, output = work / "input", work / "output"
        given.mkdir(parents=True)
        output.mkdir()
        for name in (model.name, *beside):
            shutil.copy(model.parent / name, given / name)
        request = {
            "step": step.model_dump(mode="json"),
            "input": {"folder": str(given), "main": model.name, "format": weights},
            "output": str(output),
            "files": {name: str(self._at(name)) for name in step.files},
            "seed": 1,
        }
        root = self.folder if (self.folder / getattr(step, "script", "-")).exists() else ROOT
        box, script = where(step, weights, root)
        return Done(run(box, script, request, work, self.told.append, 120), output)

    def _at(self, name: str) -> Path:
        return self.folder / name if (self.folder / name).exists() else ROOT / name


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench of this test's own."""
    return Bench(tmp_path)

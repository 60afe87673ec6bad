"""Start a process for each model and ask it; one that ends, hangs or refuses says which model it was."""

import json
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engines import Tensor
from step import Refused

_WORKER = Path(__file__).resolve().parent / "worker.py"
_ANSWER_LIMIT_S = 1800.0
_END_LIMIT_S = 10.0


@dataclass(frozen=True)
class Model:
    """What shall be measured: the step that it came from, its main file, `onnx` or `tflite`, bytes and digest."""

    name: str
    path: Path
    kind: str
    size_bytes: int
    sha256: str


class Worker(AbstractContextManager["Worker"]):
    """A process with one model in it."""

    def __init__(self, model: Model, threads: int) -> None:
        """Load the model; Refused when its engine cannot."""
        self.model = model
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._ask("load", path=str(model.path), kind=model.kind, threads=threads)
        sides = self._ask("signature")
        self.inputs = tuple(Tensor(name, dtype, tuple(shape)) for name, dtype, shape in sides["inputs"])
        self.outputs = tuple(Tensor(name, dtype, tuple(shape)) for name, dtype, shape in sides["outputs"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def ready(self, request: Path) -> int:
        """Answer the request in a file once; the bytes that the process took at most, up to now."""
        return self._ask("ready", request=str(request))["memory_bytes"]

    def time(self, runs: int) -> list[int]:
        """Nanoseconds of each of `runs` answers to the request that it was made ready for."""
        return self._ask("time", runs=runs)["taken_ns"]

    def predict(self, data: Path, rows: int, step: int, to: Path) -> list[str]:
        """Answer all rows of a file into another one; the outputs that have an answer for each row."""
        return self._ask("predict", data=str(data), rows=rows, step=step, to=str(to))["outputs"]

    def _ask(self, command: str, **arguments: object) -> Mapping[str, object]:
        try:
            self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
            self._process.stdin.flush()
            there, _, _ = select.select([self._process.stdout], [], [], _ANSWER_LIMIT_S)
            line = self._process.stdout.readline() if there else ""
        except BrokenPipeError:
            there, line = [self._process], ""
        if not there:
            self._process.kill()
            raise Refused(
                f"{self.model.name}: {command} did not end within {_ANSWER_LIMIT_S / 60:.0f} min",
                "a model that answers the dataset within that time",
                "give a dataset of fewer rows, or a smaller model",
            )
        if not line:
            code = self._process.wait()
            how = f"was ended by signal {-code}" if code < 0 else f"exited with {code}"
            raise Refused(
                f"{self.model.name}: the process that holds the model {how} during {command}",
                "a model that fits into this machine's memory and does not crash its engine",
                "signal 9 is most often a lack of memory: free some; else drop the step that made this model",
            )
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(
                f"{self.model.name}: {command}: {answer['error']}",
                f"a model that {_ENGINES[self.model.kind]} loads, and values that it can compute",
                "drop or change the step that made this model, or correct the dataset or the golden request",
            )
        return answer


_ENGINES = {"onnx": "ONNX Runtime", "tflite": "LiteRT"}

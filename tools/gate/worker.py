"""Hold one model in a process of its own and do as told: its memory is then its own, and it is loaded once.

Started by `workers.py`. A line of JSON on standard input is a command, a line on standard output its answer.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import arrays
import engines

_PROC_STATUS = Path("/proc/self/status")


class Holder:
    """One model and the commands about it; every answer is JSON."""

    def __init__(self, path: Path, kind: str, threads: int) -> None:
        self._engine = engines.load(path, kind, threads)

    def signature(self) -> dict[str, object]:
        """Names, types and shapes."""
        tensors = {"inputs": self._engine.inputs, "outputs": self._engine.outputs}
        return {side: [[t.name, t.dtype, t.shape] for t in each] for side, each in tensors.items()}

    def ready(self, request: str) -> dict[str, object]:
        """Answer the request in a file once, and keep it for `time`; tell the most memory that it all took so far."""
        self._request = self._cast(arrays.read(Path(request)))
        self._engine.run(self._request)
        return {"memory_bytes": _most_memory()}

    def time(self, runs: int) -> dict[str, object]:
        """Answer the request `runs` times; nanoseconds of each."""
        taken = []
        for _ in range(runs):
            began = time.perf_counter_ns()
            self._engine.run(self._request)
            taken.append(time.perf_counter_ns() - began)
        return {"taken_ns": taken}

    def predict(self, data: str, rows: int, step: int, to: str) -> dict[str, object]:
        """Answer all rows, `step` at once (0: each row is a whole request), and write the answers to a file."""
        given = self._cast(arrays.read(Path(data)))
        answers = [self._engine.run(request) for request in _requests(given, rows, step)]
        joined = {}
        for tensor in self._engine.outputs:
            parts = [answer[tensor.name] for answer in answers]
            if step == 0:
                parts = [part[np.newaxis] for part in parts]
            if all(part.ndim and part.shape[0] == max(step, 1) and part.shape == parts[0].shape for part in parts):
                joined[tensor.name] = np.concatenate(parts)
        arrays.write(Path(to), joined)
        return {"outputs": sorted(joined)}

    def _cast(self, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Texts as ONNX Runtime takes them; all else is of the right type already."""
        return {name: array.astype(object) if array.dtype.kind == "U" else array for name, array in given.items()}


def _requests(given: Mapping[str, np.ndarray], rows: int, step: int) -> Iterator[dict[str, np.ndarray]]:
    for row in range(0, rows, max(step, 1)):
        yield {name: array[row : row + step] if step else array[row] for name, array in given.items()}


def _most_memory() -> int:
    """Bytes. `ru_maxrss` would be that of the process which started this one, where that was larger."""
    for line in _PROC_STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{_PROC_STATUS} has no line VmHWM")


def main() -> None:
    """Load the model that the first line names, then obey; ends with its input."""
    # Libraries write to standard output too; it is the way of the answers only.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    holder: Holder | None = None
    for line in sys.stdin:
        command = json.loads(line)
        name = command.pop("do")
        try:
            if name == "load":
                holder = Holder(Path(command["path"]), command["kind"], command["threads"])
                said: dict[str, object] = {}
            else:
                said = getattr(holder, name)(**command)
        # Neither ONNX Runtime's nor LiteRT's exceptions share a base class but this one.
        except Exception as error:
            said = {"error": " ".join(str(error).split())[:600] or type(error).__name__}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

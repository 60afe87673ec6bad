"""Measure models beside the one that they were made of: size, memory, time, and how right their answers are.

The request has, beside what every script gets:

    models: [{name, path, format, size_bytes, sha256}, ...]   the original first
    threads, accept: {dataset, output, metric, robustness} or null, dataset: its path in messages, golden:
    {input: {dtype, shape, values}} or null, scratch: a folder for files between processes, disturbed: files of inputs
    that were disturbed elsewhere (`arrays.write`), by the disturbance's name, kept: null, or files for
    the data set's inputs and the last model's answers to it
"""

import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import arrays
import dataset as datasets
import metrics
import numpy as np
from disturb import DISTURBANCES, disturbed
from profiles import profiles
from step import Refused, Request, progress, versions
from timing import timed
from workers import Model, Worker

_CPU_INFO = Path("/proc/cpuinfo")


def run(request: Request) -> dict[str, object]:
    """What the report is made of (`slipway.gate.report`)."""
    raw = request.raw
    models = [
        Model(each["name"], Path(each["path"]), each["format"], each["size_bytes"], each["sha256"])
        for each in raw["models"]
    ]
    with ExitStack() as stack:
        workers = []
        for model in models:
            progress(f"{model.name}: load")
            workers.append(stack.enter_context(Worker(model, raw["threads"])))
        for worker in workers[1:]:
            _same_signature(workers[0], worker)
        return Measuring(request, workers).result()


class Measuring:
    """One run of the gate over the processes that hold the models."""

    def __init__(self, request: Request, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._original = workers[0]
        self._folder = Path(request.raw["scratch"])
        self._seed = request.seed
        self._golden: Mapping[str, Mapping[str, object]] | None = request.raw["golden"]
        self._accept: Mapping[str, object] = request.raw["accept"] or {}
        self._made: Mapping[str, str] = request.raw["disturbed"]
        self._kept: Mapping[str, str] | None = request.raw["kept"]
        self._metric = self._accept.get("metric")
        self._output: str | None = None
        self._data: datasets.Dataset | None = None
        if self._accept:
            path, shown = request.file(self._accept["dataset"]), str(self._accept["dataset"])
            if self._metric:
                self._output = datasets.judged(path, shown, self._accept.get("output"), self._original.outputs)
            else:
                self._output = self._accept.get("output")
            self._data = datasets.read(path, shown, self._original.inputs, self._output if self._metric else None)
        self._notes: list[str] = []
        self._each: list[dict[str, object]] = [
            {
                "name": worker.model.name,
                "format": worker.model.kind,
                "sha256": worker.model.sha256,
                "size_bytes": worker.model.size_bytes,
            }
            for worker in workers
        ]

    def result(self) -> dict[str, object]:
        """All of it, in the order in which it is cheap to fail."""
        self._time()
        if self._data is not None:
            self._answer(self._data)
        return {
            "metric": self._metric,
            "output": self._output,
            "dataset": self._accept.get("dataset"),
            "rows": self._data.rows if self._data else None,
            "processor": _processor(),
            "tools": versions("onnxruntime", "ai-edge-litert", "numpy", "scikit-learn", "scipy"),
            "inputs": profiles(self._data.inputs) if self._data else {},
            "variants": self._each,
            "notes": self._notes,
        }

    def _time(self) -> None:
        """Memory and times, of one row and of the golden request; memory is that of the first, before the dataset."""
        requests = {}
        if self._data is not None:
            requests["one_row"] = self._folder / "one_row.npz"
            size = self._data.step
            arrays.write(requests["one_row"], {n: a[:size] if size else a[0] for n, a in self._data.inputs.items()})
        if self._golden is not None:
            requests["golden"] = self._folder / "golden.npz"
            arrays.write(requests["golden"], {name: _array(each) for name, each in self._golden.items()})
        if not requests:
            raise Refused(
                "there is nothing to ask the model", "a golden request, or accept with a dataset",
                "add check.request to the spec",
            )  # fmt: skip
        for name, path in requests.items():
            memory = [worker.ready(path) for worker in self._workers]
            progress(f"time {name.replace('_', ' ')}, {len(self._workers)} models in turns")
            times = timed(self._workers, lambda text, name=name: progress(f"time {name.replace('_', ' ')}: {text}"))
            for each, bytes_, summary in zip(self._each, memory, times, strict=True):
                each.setdefault("memory_bytes", bytes_)
                each[name] = summary

    def _answer(self, data: datasets.Dataset) -> None:
        answers = self._ask("dataset", data.inputs, data)
        if self._kept is not None:
            arrays.write(Path(self._kept["inputs"]), data.inputs)
            arrays.write(Path(self._kept["outputs"]), answers[-1])
        classify = self._metric in metrics.CLASSIFYING
        judged = [self._output] if self._output else list(answers[0])
        if not judged or judged[0] not in answers[0]:
            raise Refused(
                f"output {self._output} has no answer for each row"
                if judged
                else "no output has an answer for each row",
                f"an output whose first dimension is rows: {', '.join(answers[0]) or 'the model has none'}",
                "set accept.output to such an output, or export the model with one",
            )
        if data.truth is not None:
            self._hold(data, answers[0][self._output], classify=classify)
        for each, given in zip(self._each, answers, strict=True):
            bad = np.logical_or.reduce([metrics.broken(given[name]) for name in judged])
            same = [metrics.agreeing(answers[0][name], given[name], classify=classify) for name in judged]
            each["broken_rows"] = int(bad.sum())
            each["agreement"] = float(np.logical_and.reduce(same).mean())
            each["outputs"] = profiles(given)
            each["metric"] = self._value(data.truth, given)
            each["confusion"] = None
            if classify and each["metric"] is not None:
                each["confusion"] = metrics.confusion(data.truth, given[self._output])
        self._disturb(data)

    def _hold(self, data: datasets.Dataset, original: np.ndarray, *, classify: bool) -> None:
        bad = metrics.broken(original)
        if bad.any():
            raise Refused(
                f"the original answers NaN or infinity in {int(bad.sum())} rows of {self._accept['dataset']}, the "
                f"first is row {int(np.argmax(bad))}",
                "finite answers of what everything is held against",
                "correct the rows or the model",
            )
        metrics.check(self._metric, self._output, data.truth, original, str(self._accept["dataset"]))
        if classify:
            never = set(np.unique(data.truth).tolist()) - set(np.unique(metrics.classes(original)).tolist())
            if never:
                shown = ", ".join(map(str, sorted(never, key=str)[:10]))
                self._notes.append(f"the original never answers {shown}, which the dataset has")

    def _disturb(self, data: datasets.Dataset) -> None:
        wanted: Mapping[str, float] = self._accept.get("robustness") or {}
        for each in self._each:
            each["robustness"] = {}
        for name in (*DISTURBANCES, *self._made):
            if wanted.get(name) is None:
                continue
            if name in self._made:
                inputs = arrays.read(Path(self._made[name]))
            else:
                inputs = disturbed(name, wanted[name], data.inputs, data.step, self._seed)
            for each, given in zip(self._each, self._ask(name, inputs, data), strict=True):
                each["robustness"][name] = self._value(data.truth, given)

    def _ask(self, what: str, inputs: Mapping[str, np.ndarray], data: datasets.Dataset) -> list[dict[str, np.ndarray]]:
        """What each model answers to all rows."""
        given, answers = self._folder / f"{what}.npz", []
        arrays.write(given, inputs)
        for index, worker in enumerate(self._workers):
            progress(f"{worker.model.name}: {data.rows} rows of {what}")
            to = self._folder / f"{what}_{index}.npz"
            worker.predict(given, data.rows, data.step, to)
            answers.append(arrays.read(to))
            to.unlink()
        given.unlink()
        return answers

    def _value(self, truth: np.ndarray | None, answers: Mapping[str, np.ndarray]) -> float | None:
        """The metric; None where nothing is judged, or an answer is NaN or infinite."""
        if truth is None or metrics.broken(answers[self._output]).any():
            return None
        return metrics.value(self._metric, truth, answers[self._output])


def _same_signature(original: Worker, other: Worker) -> None:
    """A step that changes what goes in or comes out breaks the model's clients; raises Refused."""
    for side in ("inputs", "outputs"):
        here = {each.name: (each.dtype, len(each.shape)) for each in getattr(original, side)}
        there = {each.name: (each.dtype, len(each.shape)) for each in getattr(other, side)}
        if here != there:
            raise Refused(
                f"{other.model.name} has {side} {_shown(there)}",
                f"those of {original.model.name}: {_shown(here)}",
                "change the step so that names, types and dimensions stay (keep inputs and outputs as floats)",
            )


def _array(given: Mapping[str, object]) -> np.ndarray:
    return np.array(given["values"], dtype=given["dtype"]).reshape(given["shape"])


def _shown(side: Mapping[str, tuple[str, int]]) -> str:
    return ", ".join(f"{name} {dtype} of {rank} dimensions" for name, (dtype, rank) in side.items()) or "none"


def _processor() -> str:
    """What times depend on, for whoever reads them elsewhere."""
    try:
        lines = _CPU_INFO.read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())

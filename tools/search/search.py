"""The step `search`: candidates that a script makes, and of those that answer well enough, the smallest.

The script has one function:

    def candidate(trial, inputs, right, seed): ...

It asks the trial what to make (`trial.suggest_int("neurons", 4, 64)`: Optuna's own `Trial`), trains it on the rows that
it is given, arrays by name, rows first, and returns an `onnx.ModelProto` that takes and gives what the model before
this step does. A quarter of the rows is kept apart, and each candidate is judged on them. models/digits/search.py is an
example. What to try next is Optuna's choice: the tree-structured Parzen estimator for two objectives (Ozaki et al.,
GECCO 2020), which learns from the trials before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import calibration
import graphs
import numpy as np
import onnx
import onnxruntime as ort
import optuna
from numpy.typing import NDArray
from scripts import function_of
from step import Refused, Request, progress, shortened, versions

FUNCTION = "def candidate(trial, inputs, right, seed) -> onnx.ModelProto"
TRIALS = 20
"""Where the step names none: what infra/slipway/spec/artifact/data_steps.py says."""
KEPT_APART = 4
"""One row of so many is kept for judging."""
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Candidate:
    """What one trial made: its number from 1 on, what it chose, the share of rows that it answers rightly, its file."""

    number: int
    chosen: dict[str, Any]
    score: float
    model: bytes

    @property
    def words(self) -> str:
        """It in a line."""
        chosen = ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in self.chosen.items()
        )
        return f"trial {self.number} ({chosen}): {self.score:.4f}, {len(self.model)} bytes"


def run(request: Request) -> dict[str, Any]:
    """Try candidates, and write the smallest that answers at least `min` of the rows rightly.

    Raises:
        Refused: the data do not fit the model, the script fails, a candidate takes or gives something else than the
            model, or none answers well enough.
    """
    step = request.step
    trials, least, script, data = int(step.get("trials", TRIALS)), float(step["min"]), step["search"], step["data"]
    source = graphs.outline(request.source)
    learnt, judged = _parted(request, source, data)
    tried: list[Candidate] = []
    function = function_of(request.file(script), script, FUNCTION, "a search", "search")

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        model = _made(function, script, trial, learnt, request.seed)
        path = request.output / f"candidate-{trial.number}.onnx"
        path.write_bytes(model.SerializeToString(deterministic=True))
        graphs.keep_signature(source, path)
        tried.append(Candidate(trial.number + 1, dict(trial.params), _score(path, *judged), path.read_bytes()))
        path.unlink()
        progress(f"{tried[-1].words}; of {trials}")
        return tried[-1].score, float(len(tried[-1].model))

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=request.seed)
    optuna.create_study(directions=["maximize", "minimize"], sampler=sampler).optimize(objective, n_trials=trials)
    if not tried:
        raise Refused(f"{script} gave all of its {trials} trials up", FUNCTION, "Let some of them return a model.")
    good = sorted(
        (one for one in tried if one.score >= least), key=lambda one: (len(one.model), -one.score, one.number)
    )
    if not good:
        best = max(tried, key=lambda one: one.score)
        raise Refused(
            f"none of {len(tried)} candidates answers {least:g} of {len(judged[1])} rows rightly; best: {best.words}",
            "a candidate that reaches min on the rows kept apart",
            "Let the script choose among larger networks, give it more trials or rows, or lower min.",
        )
    won = good[0]
    (request.output / graphs.MAIN).write_bytes(won.model)
    settings = {
        "trials": trials, "min": least, "seed": request.seed, "learnt": len(next(iter(learnt[0].values()))),
        "judged": len(judged[1]), "reached": len(good),
        "won": {"trial": won.number, **won.chosen, "score": round(won.score, 6), "bytes": len(won.model)},
    }  # fmt: skip
    notes = [f"{won.words} is the smallest of {len(good)} that reach {least:g}, of {len(tried)} tried"]
    notes += [f"next: {one.words}" for one in good[1:3]]
    # Whether a script draws every random number from its seed is not known here.
    return graphs.made(settings, versions("onnx", "onnxruntime", "optuna", "scikit-learn"), notes, deterministic=False)


def _parted(
    request: Request, source: onnx.ModelProto, data: str
) -> tuple[tuple[Arrays, Arrays], tuple[list[Arrays], NDArray[Any], str]]:
    """What candidates learn from (inputs, right answers), and are judged on (feeds, right answers, output)."""
    feeds = list(calibration.read(request.file(data), data, source))
    right = calibration.others(request.file(data), data, source)
    names = [value.name for value in source.graph.output]
    if len(right) != 1 or next(iter(right)) not in names:
        raise Refused(
            f"{data} has the right answers {', '.join(right) or 'of no output'}",
            f"beside the inputs, one array with the right answers of one of {', '.join(names)}",
            "Write it again with that array alone.",
        )
    ((output, answers),) = right.items()
    if answers.dtype.kind not in "iuUSO" or answers.shape != (len(feeds),):
        raise Refused(
            f"{data}: array {output} is {answers.dtype} of shape {list(answers.shape)}",
            f"a class for each of {len(feeds)} rows: whole numbers or texts",
            "Name the output that says a class.",
        )
    order = np.random.default_rng(request.seed).permutation(len(feeds))
    apart, rest = order[: len(feeds) // KEPT_APART], order[len(feeds) // KEPT_APART :]
    inputs = {name: np.concatenate([feeds[row][name] for row in rest]) for name in feeds[0]}
    return (inputs, {output: answers[rest]}), ([feeds[row] for row in apart], answers[apart], output)


def _made(
    function: Callable[..., object], script: str, trial: optuna.Trial, learnt: tuple[Arrays, Arrays], seed: int
) -> onnx.ModelProto:
    try:
        model = function(trial=trial, inputs=learnt[0], right=learnt[1], seed=seed)
    except optuna.TrialPruned:
        raise
    except Exception as error:
        raise Refused(
            f"{script} failed in trial {trial.number + 1}: {type(error).__name__}: {shortened(error)}",
            "a function that makes and trains a candidate and returns it",
            f"Mend the script; it was given {', '.join(learnt[0])} and {', '.join(learnt[1])}.",
        ) from error
    if not isinstance(model, onnx.ModelProto):
        raise Refused(f"{script} returned {type(model).__name__}, no model", FUNCTION, "Return the candidate's graph.")
    return model


def _score(path: Path, feeds: list[Arrays], right: NDArray[Any], output: str) -> float:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    answers = np.concatenate([np.ravel(session.run([output], feed)[0]) for feed in feeds])
    return float(np.mean(answers == right))

"""Run the steps of a spec one after another. Each runs once for the same input, files and tools on this machine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors.base import UserError
from slipway.lockfile.digests import file_digest
from slipway.optimize.boxes import where
from slipway.optimize.held import hold_signature
from slipway.optimize.results import Made, Results, key_of
from slipway.optimize.weights import Weights
from slipway.reading.files import BadFile
from slipway.reading.findings import Locate
from slipway.spec.artifact.optimize import AnyStep, Script
from slipway.spec.artifact.source import ONNX
from slipway.spec.model import ModelSpec
from slipway.toolbox.errors import StepRefused
from slipway.toolbox.running import run

LIMIT_S = 4 * 3600.0
"""Of one step. Quantizing takes seconds, distilling minutes; who needs more trains elsewhere."""
SEED = 20261126
"""Of every step that chooses at random: the same on every machine."""

Tell = Callable[[str], None]
"""Takes a line of progress for people."""


@dataclass(frozen=True)
class Stage:
    """Weights on their way: the source, or what a step made of the stage before.

    Attributes:
        name: `source`, or the number of the step and what it is: `2 quantize int8-dynamic`.
        weights: all files, in a folder that is there as long as the chain's.
        step: what made them; None for the source.
        made: what the step says about itself; None for the source.
    """

    name: str
    weights: Weights
    step: AnyStep | None = None
    made: Made | None = None


@dataclass(frozen=True)
class Chain:
    """The steps of a spec.

    Attributes:
        spec: merged for its environment.
        root: folder that paths in it begin at.
        locate: where its values are written.
        results: of this machine.
        tell: takes lines of progress.
    """

    spec: ModelSpec
    root: Path
    locate: Locate
    results: Results
    tell: Tell

    def run(self, source: Weights, folder: Path) -> list[Stage]:
        """The source and what each step made, in folders below `folder`.

        Raises:
            UserError: a step refuses what it was given, or a file that it reads is not there.
            StepFailed: a step ended without a result.
            BoxUnavailable: its tools cannot be had.
            NoSpace: the disk is full.
        """
        stages = [Stage("source", source)]
        for index, step in enumerate(self.spec.optimize):
            try:
                stages.append(self._step(index, step, stages[-1].weights, folder / str(index + 1)))
            except (StepRefused, BadFile) as error:
                raise self._refused(index, step, error) from None
        return stages

    def _step(self, index: int, step: AnyStep, before: Weights, folder: Path) -> Stage:
        """The stage after a step, run or found."""
        said = f"{index + 1} of {len(self.spec.optimize)}: {spelled(step)}"
        box, _ = where(step, before.format, self.root)
        digests = {path: file_digest(path, self.root) for path in step.files}
        key = key_of(
            {
                "input": [before.main, before.format, *([file.name, file.sha256] for file in before.files)],
                "step": step.model_dump(mode="json"),
                "files": digests,
                "box": box.digest,
                "seed": SEED,
            }
        )
        with self.results.held(key):
            made = self.results.find(key)
            if made is None:
                self.tell(f"{said} ...")
                made = self._made(key, step, before, folder, lambda text: self.tell(f"{said}: {text}"))
            else:
                self.tell(f"{said}: was made before")
        laid = folder / "result"
        laid.mkdir(parents=True)
        return Stage(f"{index + 1} {spelled(step)}", self.results.lay(made, laid), step, made)

    def _made(self, key: str, step: AnyStep, before: Weights, folder: Path, tell: Tell) -> Made:
        box, script = where(step, before.format, self.root)
        output, scratch = folder / "output", folder / "scratch"
        output.mkdir(parents=True)
        scratch.mkdir()
        request: Mapping[str, Any] = {
            "step": step.model_dump(mode="json"),
            "input": {"folder": str(before.folder), "main": before.main, "format": before.format},
            "output": str(output),
            "files": {path: str((self.root / path).absolute()) for path in step.files},
            "seed": SEED,
        }
        result = run(box, script, request, scratch, tell, LIMIT_S)
        after = Weights(output, result["main"], result["format"])
        if isinstance(step, Script):
            if step.writes != after.main:
                todo = f"let the script write {step.writes}, or write: writes: {after.main}"
                raise StepRefused(f"wrote {after.main}", f"{step.writes}, which the spec says", todo)
            if before.format == after.format == ONNX:
                hold = folder / "hold"
                hold.mkdir()
                hold_signature(before.path, after.path, result, hold, tell)
        return self.results.keep(key, after, result)

    def _refused(self, index: int, step: AnyStep, error: StepRefused | BadFile) -> UserError:
        place, field = self.locate(("optimize", index))
        problem = f"step {index + 1}, {spelled(step)}: {error.problem}"
        return UserError(place, field, problem, error.allowed, error.todo)


def spelled(step: AnyStep) -> str:
    """A step in a few words: `quantize int8-dynamic`."""
    value = getattr(step, step.kind)
    if isinstance(value, str):
        return f"{step.kind} {value}"
    return f"{step.kind} {len(value)} more" if isinstance(value, Sequence) else step.kind

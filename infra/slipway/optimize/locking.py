"""Make a lock: bring the source, run the steps, measure what came out, and say what is served."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slipway_server.protocol.request import parse_predict
from slipway_server.values.tensors import Array

from slipway.artifacts.onnx import Found, find_artifact
from slipway.errors.base import FileRefused, UserError, UserErrors, WrongValue
from slipway.gate.judge import Refusal, judge
from slipway.gate.measure import Candidate, measure
from slipway.gate.report import Report
from slipway.loading.around import around
from slipway.loading.lockable import Lockable
from slipway.loading.locks import not_loaded
from slipway.loading.variant import golden_body
from slipway.lockfile.digests import file_digest, files_read, spec_digest
from slipway.lockfile.model import Lock, LockedFile, LockedSignature, LockedSource, LockedStep, LockedVariant
from slipway.optimize.chain import Chain, Stage
from slipway.optimize.results import Results
from slipway.optimize.signature import read_signature
from slipway.optimize.source import Source, bring_source
from slipway.reading.files import BadFile
from slipway.runtimes.registry import RUNTIMES
from slipway.sources.store import Store
from slipway.spec.artifact.source import ONNX
from slipway.toolbox.errors import StepRefused

_MEASURED = (ONNX, "tflite")
"""Formats that the gate has an engine for."""


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        lock: what would be written; None where what came out is refused.
        report: what was measured; None where there was nothing to measure.
        refusals: why it may not serve.
        unserved: why no runtime can serve it, whatever was measured; None where one can.
        notes: what the steps say to people.
    """

    lock: Lock | None
    report: Report | None
    refusals: tuple[Refusal, ...]
    unserved: UserError | None
    notes: tuple[str, ...]


def make_lock(target: Lockable, store: Store, tell: Callable[[str], None]) -> Outcome:
    """Run the steps of a spec and measure what they make; the files of what serves are in the store's cache then.

    Raises:
        UserError: the source cannot be had, a step or the gate refuses what it was given, the golden request does not
            fit what came out, or a file was changed meanwhile.
        StepFailed, BoxUnavailable, NoSpace: a step could not run.
    """
    spec, root, results = target.spec, target.locks.root, Results(store.cache)
    before = _digests(target)
    with results.work() as folder:
        beginning = folder / "source"
        beginning.mkdir()
        found: list[UserError] = []
        tell("source")
        source = bring_source(spec, root, store, beginning, target.locate, found)
        if source is None:
            raise UserErrors(found)
        stages = Chain(spec, root, target.locate, results, tell).run(source.weights, folder)
        unserved = _unserved(target, stages[-1])
        served = None if unserved is not None else _served(target, stages[-1], folder, tell)
        golden = None if served is None else _golden(target, served)
        report = _measured(target, stages, golden, tell)
        refusals = judge(report, spec.accept) if report is not None and spec.accept is not None else ()
        results.keep_files(stages[-1].weights)
        if _digests(target) != before:
            problem = "names files that were changed while the steps ran"
            raise FileRefused(str(target.locks.file), problem, "files that stay as they are", "run the command again")
        notes = tuple(f"{stage.name}: {note}" for stage in stages if stage.made for note in stage.made.notes)
        lock = None if refusals or served is None else _lock(target, source, before, stages, served, report)
        return Outcome(lock, report, refusals, unserved, notes)


def _digests(target: Lockable) -> dict[str, str]:
    """The sha256 of every file that is read beside the weights."""
    found: dict[str, str] = {}
    bad: list[UserError] = []
    for path in files_read(target.spec):
        try:
            found[path] = file_digest(path, target.locks.root)
        except BadFile as error:
            place, _ = target.locate(())
            bad.append(WrongValue(place, path, None, error.problem, error.allowed, error.todo))
    if bad:
        raise UserErrors(bad)
    return found


def _unserved(target: Lockable, last: Stage) -> UserError | None:
    """What to say where the runtime does not load what the steps end with."""
    return not_loaded(target.spec.runtime, last.weights.format, target.locate)


def _served(target: Lockable, last: Stage, folder: Path, tell: Callable[[str], None]) -> Found:
    """What serves, as its runtime reads it, or the tools of its format; raises `UserError` where it would not load."""
    weights, runtime = last.weights, RUNTIMES[target.spec.runtime]
    try:
        found = runtime.find_weights(weights.path, weights.folder)
        if not runtime.signature_in_lock:
            return found
        alone = folder / "signature"
        alone.mkdir()
        inputs = {name: shape.model_dump(mode="json") for name, shape in target.spec.weights.inputs.items()}
        told = read_signature(weights, inputs, alone, lambda text: tell(f"signature: {text}"))
        return replace(found, signature=told)
    except (BadFile, StepRefused) as error:
        place, field = target.locate(("optimize",) if target.spec.optimize else ("artifact", "source"))
        raise UserError(place, field, f"{last.name}: {error.problem}", error.allowed, error.todo) from None


def _golden(target: Lockable, served: Found) -> Mapping[str, Array] | None:
    """The arrays of the golden request; None where a user's own function makes them."""
    found: list[UserError] = []
    root = target.locks.root
    beside = around(target.spec, served.signature, root, target.locate, found)
    body = None if found else golden_body(target.spec, served, root, target.locate, found, beside)
    if found:
        raise UserErrors(found)
    return parse_predict(body, served.signature) if beside is None else beside.read(body)


def _measured(
    target: Lockable, stages: Sequence[Stage], golden: Mapping[str, Array] | None, tell: Callable[[str], None]
) -> Report | None:
    spec = target.spec
    if not spec.needs_lock:
        return None  # it serves as it is, and nothing was asked about it
    if golden is None and not spec.optimize and spec.accept is None:
        return None  # no runtime serves it, and nothing was made of it
    candidates = [_candidate(stage) for stage in stages if stage.weights.format in _MEASURED]
    if not candidates:  # no engine of the gate runs it
        if spec.accept is not None:
            place, field = target.locate(("accept",))
            problem = f"cannot be measured: the gate does not run {stages[-1].weights.format}"
            todo = "remove accept, or let optimize convert the weights to one of them"
            raise UserError(place, field, problem, f"accept for {' or '.join(_MEASURED)}", todo)
        return None
    try:
        return measure(
            target.name,
            candidates[0],
            candidates[1:],
            spec.accept,
            golden,
            spec.resources.cpu / 1000,
            target.locks.root,
            lambda text: tell(f"gate: {text}"),
            profiled=target.profiled and spec.accept is not None,
        )
    except StepRefused as error:
        place, field = target.locate(("accept",) if spec.accept is not None else ("optimize",))
        raise UserError(place, field, error.problem, error.allowed, error.todo) from None


def _candidate(stage: Stage) -> Candidate:
    weights = stage.weights
    return Candidate(stage.name, weights.path, weights.format, weights.size, weights.sha256)


def _architecture(stages: Sequence[Stage]) -> str | None:
    """That of the first ONNX file: what steps make of it has other operators, and is the same to whoever calls it."""
    first = next((stage.weights for stage in stages if stage.weights.format == ONNX), None)
    return None if first is None else find_artifact(first.path, first.folder).architecture


def _lock(
    target: Lockable,
    source: Source,
    read: Mapping[str, str],
    stages: Sequence[Stage],
    served: Found,
    report: Report | None,
) -> Lock:
    weights, first = stages[-1].weights, source.weights
    name = None if report is None else report.served.name
    return Lock(
        model=target.spec.name,
        spec=spec_digest(target.spec),
        files={**source.files, **read},
        source=LockedSource(at=target.spec.weights.source, format=first.format, sha256=first.sha256, size=first.size),
        steps=tuple(
            LockedStep(
                step=stage.step,
                tools=stage.made.tools,
                settings=stage.made.settings,
                deterministic=stage.made.deterministic,
                sha256=stage.weights.sha256,
            )
            for stage in stages
            if stage.step is not None and stage.made is not None
        ),
        signature=LockedSignature.of(served.signature),
        architecture=_architecture(stages),
        random=served.random,
        variants=(
            LockedVariant(
                architecture="any",
                accelerator="cpu",
                format=weights.format,
                files=tuple(
                    LockedFile(name=one.name, size=one.size, sha256=one.sha256) for one in served.digested().files
                ),
                metrics={} if report is None or name is None else report.locked_metrics(name),
            ),
        ),
        reference={} if report is None or name is None else report.reference(name),
    )

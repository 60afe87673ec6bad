"""Have the files that a lock names on this machine: out of the cache, else made again and held against the lock."""

from collections.abc import Callable, Iterator, Sequence

from slipway.errors.base import FileRefused, Place, UserError, UserErrors
from slipway.lockfile.digests import stale
from slipway.lockfile.files import Locked
from slipway.lockfile.model import LockedStep
from slipway.optimize.chain import Chain, Stage
from slipway.optimize.results import Results
from slipway.optimize.source import bring_source
from slipway.reading.findings import dotted
from slipway.reading.yaml_document import FieldPath
from slipway.sources.store import Store
from slipway.spec.model import ModelSpec

_ALLOWED = "the bytes that the lock names"


def bring(locked: Locked, spec: ModelSpec, store: Store, tell: Callable[[str], None]) -> None:
    """Have every file of what a lock serves in the store's cache, under its digest.

    Those that are missing are made again by the same steps. Two processes at once run each step once.

    Args:
        locked: the lock.
        spec: the spec that it is of, merged for its environment.
        store: where the source comes from, and whose cache takes the files.
        tell: takes lines of progress.

    Raises:
        UserError: the source cannot be had, a step refuses it, files changed since the lock was made, or this machine
            makes other bytes.
        StepFailed, BoxUnavailable, NoSpace: a step could not run.
    """
    results, served = Results(store.cache), locked.lock.served.files
    if all(results.has(file.sha256) for file in served):
        return
    todo = f"slipway lock {spec.name}"
    if (old := stale(spec, locked.root, locked.lock)) is not None:
        raise FileRefused(str(locked.file), f"is stale: it {old}", "the lock of what is there now", todo)
    tell(f"its weights are not on this machine; making them again as {locked.file.name} says")

    def locate(path: FieldPath) -> tuple[Place, str]:
        return Place(str(locked.file)), dotted(path)

    with results.work() as folder:
        beginning = folder / "source"
        beginning.mkdir()
        found: list[UserError] = []
        source = bring_source(spec, locked.root, store, beginning, locate, found)
        if source is None:
            raise UserErrors(found)
        if source.weights.sha256 != locked.lock.source.sha256:
            problem = f"was made of weights with the sha256 {locked.lock.source.sha256[:16]}, and "
            problem += f"{locked.lock.source.at} has {source.weights.sha256[:16]} now"
            raise FileRefused(str(locked.file), problem, "the lock of what is there now", todo)
        stages = Chain(spec, locked.root, locate, results, tell).run(source.weights, folder)
        results.keep_files(stages[-1].weights)
        if not all(results.has(file.sha256) for file in served):
            raise _other_bytes(locked, stages, todo)


def _other_bytes(locked: Locked, stages: Sequence[Stage], todo: str) -> FileRefused:
    """What to say where this machine made something else: from which step on, and what is different about it."""
    steps = locked.lock.steps
    for index, (stage, step) in enumerate(zip(stages[1:], steps, strict=True)):
        if stage.weights.sha256 == step.sha256:
            continue
        made = f"step {stage.name} made the sha256 {stage.weights.sha256[:16]} here, and {step.sha256[:16]} was locked"
        reasons = "; ".join(_reasons(stage, step))
        first = f"steps[{index}]: {made}: {reasons}"
        rest = f"{todo} here and review what changed, or copy ~/.cache/slipway/artifacts of a machine that has them"
        return FileRefused(str(locked.file), first, _ALLOWED, rest)
    last = "names files that its last step did not make here"
    return FileRefused(str(locked.file), last, _ALLOWED, f"{todo}, and review what changed")


def _reasons(stage: Stage, step: LockedStep) -> Iterator[str]:
    """Why the bytes may be others."""
    tools = stage.made.tools if stage.made is not None else {}
    others = [
        f"{name} {step.tools.get(name, 'not there')} then, {tools.get(name, 'not there')} now"
        for name in sorted({*step.tools, *tools})
        if step.tools.get(name) != tools.get(name)
    ]
    if others:
        yield ", ".join(others)
    if not step.deterministic:
        yield "the step is not deterministic, and says so"
    if not others and step.deterministic:
        yield "the tools are the same, so that this processor computes otherwise than the one that made the lock"

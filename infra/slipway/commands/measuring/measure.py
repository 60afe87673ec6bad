"""The command `measure`: run a model under the limits of a replica, load it, and propose what its spec should say."""

import difflib
import platform
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.measuring import shown
from slipway.components.image.build import installed_wheels
from slipway.components.image.planned import bring_weights, image_args
from slipway.errors.base import FileRefused, Place, SlipwayError, UserError, WrongValue
from slipway.measuring import kept, steps
from slipway.measuring.container import ContainerLauncher, engine_here
from slipway.measuring.edited import edited
from slipway.measuring.findings import Finding, Machine, Step
from slipway.measuring.hardware import Hardware, this_machine
from slipway.measuring.process import ProcessLauncher
from slipway.measuring.proposal import Proposal, chosen, propose
from slipway.measuring.server import Launcher
from slipway.plan.model import ModelPlan
from slipway.reading.yaml_document import read_text
from slipway.runtimes.registry import RUNTIMES
from slipway.simulation import chart
from slipway.values.aliases import Tell
from slipway.values.quantities import format_bytes, format_cpu

STEPS_MOST = 12
_START_LEAST_S = 60.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Wanted:
    """What the command was asked for.

    Attributes:
        cpus: limits to try, in thousandths of a core; empty: that of the spec, and twice and four times as much.
        memories: limits to try, in bytes; empty: that of the spec.
        seconds: of each piece of load.
        way: `image` or `process`; None: as this machine can.
        within_s: what 95 of 100 requests may take; None: what the spec's target says, or any time.
        html: where the page goes.
        write: whether proposals are written into the spec.
    """

    cpus: tuple[int, ...] = ()
    memories: tuple[int, ...] = ()
    seconds: float = 4.0
    way: Literal["image", "process"] | None = None
    within_s: float | None = None
    html: Path | None = None
    write: bool = False


def measure(context: EnvironmentContext, name: str, wanted: Wanted, *, as_json: bool) -> None:
    """Measure a model, keep what was found beside its spec, and print it with what follows for the spec."""
    if wanted.html is not None:
        chart.require("--html")
    model = context.models([name])[0]
    machine = this_machine()
    _refuse(context, model)
    limits = _limits(model, wanted, machine)
    path = kept.measured_path(context.folders.models, name)
    kept.read(path)  # a file that cannot be added to is refused before anything runs
    with console.Progress() as progress, _ended_by_sigterm():
        launcher = _launcher(context, model, wanted, lambda text: progress.report(name, text))
        asked = _asked(model, wanted)
        lasts_s = steps.duration_s(wanted.seconds) * len(limits)
        progress.report(
            name, f"{launcher.said}; {len(limits)} steps, {console.duration(lasts_s)} and {len(limits)} starts at most"
        )
        found = _steps(launcher, model, limits, asked, progress)
    findings = [_finding(model, launcher, machine, wanted, asked, step) for step in found]
    kept.keep(path, name, findings)
    best = chosen(found)
    proposals = propose(model, best) if best is not None else []
    file, old, new = _texts(context, name, proposals)
    said = shown.lines(model, launcher.said, machine, asked, best, proposals)
    diff = list(difflib.unified_diff(old.splitlines(), new.splitlines(), str(file), str(file), lineterm="", n=1))
    if wanted.html is not None:
        shown.write_page(wanted.html, model.name, said, found, diff, kept.read_all(context.folders.models))
    if wanted.write and diff:
        _write(file, new)
    if as_json:
        console.document(shown.document(findings, proposals, diff, written=wanted.write))
        return
    console.table(*shown.steps_table(found))
    for line in (*said, f"kept in {path}; `slipway measure --show` compares models and machines"):
        console.result(line)
    for line in diff:
        console.result(line)
    if diff:
        todo = (
            f"written; next: slipway plan {context.name} {name}"
            if wanted.write
            else "nothing was written; --write does"
        )
        console.result(f"{file}: {todo}")
    if best is None:
        raise SlipwayError(_nothing(model, found))


def show(models: Path, name: str | None, *, as_json: bool) -> None:
    """Print what was measured: the matrix of all models, or the findings about one."""
    if name is None:
        measured = kept.read_all(models)
        if as_json:
            console.document(shown.matrix_document(measured))
            return
        if not measured:
            raise FileRefused(
                str(models), f"has no *{kept.SUFFIX}", "models that were measured", "run slipway measure MODEL"
            )
        console.table(*kept.table(measured))
        console.result("requests a second at the knee, mean over the models that were measured there")
        return
    path = kept.measured_path(models, name)
    found = kept.read(path)
    if found is None:
        raise FileRefused(str(path), "is not there", "a model that was measured", f"run slipway measure {name}")
    if as_json:
        console.document(found.model_dump(mode="json"))
        return
    console.table(*shown.findings_table(found.findings))


def _refuse(context: EnvironmentContext, model: ModelPlan) -> None:
    """Refuse what cannot be measured here, before anything runs."""
    spec, here = model.spec, _ARCHITECTURES.get(platform.machine(), platform.machine())
    refused: tuple[tuple[str, ...], str, str, str] | None = None
    if spec.pipeline is not None:
        problem = "is a pipeline, which takes as long as the models that it asks"
        refused = (("pipeline",), problem, "a model with weights", f"measure one of {', '.join(spec.pipeline.models)}")
    elif spec.own_server is not None:
        problem = "is a server of others, of which nobody here knows what it needs beside it"
        refused = (("runtime",), problem, "a model that a runtime of Slipway serves", "load it where it is deployed")
    elif spec.resources.gpu is not None:
        problem = "asks for GPUs, and measuring runs on the CPU"
        refused = (("resources", "gpu"), problem, "a model without GPUs", "measure it where it is deployed")
    elif spec.resources.architecture != here:
        problem = f"{spec.resources.architecture} is not this machine's, which is {here}"
        refused = (("resources", "architecture"), problem, here, "run the command on a machine of that architecture")
    if refused is not None:
        path, problem, allowed, todo = refused
        place, field = context.spec_place(model.name, path)
        raise UserError(place, field, problem, allowed, f"{todo}; nothing was measured")


def _limits(model: ModelPlan, wanted: Wanted, machine: Hardware) -> list[tuple[int, int]]:
    """Return the pairs of limits to try, each within what this machine has."""
    most = machine.cores * 1000
    for cpu in wanted.cpus:
        if cpu > most:
            problem = f"is more than this machine has, which is {format_cpu(most)}"
            raise WrongValue(
                Place("--cpu"), "", format_cpu(cpu), problem, f"at most {format_cpu(most)}", "ask for less"
            )
    for memory in wanted.memories:
        if memory > machine.memory:
            problem = "is more than this machine has"
            allowed = f"at most {machine.memory // 2**20}Mi"
            raise WrongValue(Place("--memory"), "", format_bytes(memory), problem, allowed, "ask for less")
    own = model.spec.resources.cpu
    cpus = wanted.cpus or tuple(cpu for cpu in (own, 2 * own, 4 * own) if cpu <= most) or (most,)
    pairs = [
        (cpu, memory) for cpu in dict.fromkeys(cpus) for memory in wanted.memories or (model.spec.resources.memory,)
    ]
    if len(pairs) > STEPS_MOST:
        allowed = f"at most {STEPS_MOST} pairs of --cpu and --memory"
        raise UserError(Place("--cpu"), None, f"{len(pairs)} pairs are too many", allowed, "try fewer at once")
    return pairs


def _launcher(context: EnvironmentContext, model: ModelPlan, wanted: Wanted, tell: Tell) -> Launcher:
    """Return the way to run the server: in a container of its image where an Engine of this machine answers."""
    stored = model.delivery.stored is not None
    if wanted.way == "image" and stored:
        place, field = context.spec_place(model.name, ("artifact",))
        problem = "has weights that pods fetch: they are not in the image"
        raise UserError(place, field, problem, "--as process", "leave --as out")
    if wanted.way == "image" or (wanted.way is None and not stored and engine_here()):
        return ContainerLauncher(f"{model.image.repository}@{image_args(model, tell).ensure(tell)}")
    bring_weights(model, tell)
    below = model.image.runtime
    return ProcessLauncher(
        model, installed_wheels(below.requirements, below.requirements_digest, below.architecture, tell)
    )


def _asked(model: ModelPlan, wanted: Wanted) -> steps.Asked:
    runtime, target = RUNTIMES[model.spec.runtime], model.spec.scale.target
    within_ms = wanted.within_s * 1000 if wanted.within_s is not None else None
    if within_ms is None and target is not None and target.signal in ("p95_ms", "mean_ms"):
        within_ms = target.value
    return steps.Asked(
        path=runtime.predict_path,
        body=runtime.body(model.check.request),
        ready_path=runtime.ready_path,
        timeout_s=model.spec.endpoint.timeout,
        start_s=max(_START_LEAST_S, model.timing.start_s),
        seconds=wanted.seconds,
        within_ms=within_ms,
    )


def _steps(
    launcher: Launcher,
    model: ModelPlan,
    limits: Sequence[tuple[int, int]],
    asked: steps.Asked,
    progress: console.Progress,
) -> list[Step]:
    found = []
    # A measurement is nobody's request, and a process of this machine has neither the library nor a collector.
    told = {name: value for name, value in model.server_config.items() if name != "traces"}
    for number, (cpu, memory) in enumerate(limits, 1):
        name = f"{model.name} {steps.label(cpu, memory)}"

        def tell(text: str, name: str = name, number: int = number) -> None:
            progress.report(name, f"[{number}/{len(limits)}] {text}")

        found.append(steps.measure(launcher, told, cpu, memory, asked, tell))
    best = chosen(found)
    if best is not None and best.shared:
        rows = steps.measure_rows(launcher, told, best, asked, lambda text: progress.report(model.name, text))
        found[found.index(best)] = best.model_copy(update={"rows": rows})
    return found


def _finding(
    model: ModelPlan, launcher: Launcher, machine: Hardware, wanted: Wanted, asked: steps.Asked, step: Step
) -> Finding:
    return Finding(
        date=datetime.now(tz=UTC).date().isoformat(),
        version=model.version,
        release=model.release_digest,
        runtime=model.spec.runtime,
        how=launcher.how,
        image=launcher.image_digest,
        machine=Machine.model_validate(machine.to_json() | {"flags": machine.flags}),
        seconds=wanted.seconds,
        within_ms=asked.within_ms,
        step=step,
    )


def _texts(context: EnvironmentContext, name: str, proposals: Sequence[Proposal]) -> tuple[Path, str, str]:
    """The spec's file, its text, and its text with what is proposed."""
    file = Path(context.spec_place(name, ("name",))[0].file)
    old = read_text(file, str(file))
    return file, old, edited(old, str(file), context.name, [one for one in proposals if one.changes])


def _write(file: Path, text: str) -> None:
    target = file.resolve()
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_text(text, newline="")
        beside.chmod(target.stat().st_mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _nothing(model: ModelPlan, found: Sequence[Step]) -> str:
    failed = "; ".join(f"{steps.label(step.cpu, step.memory)}: {step.failed}" for step in found if step.failed)
    why = failed or "no rate was kept up with, not even a part of what it manages at most"
    return f"{model.name}: nothing is proposed: {why}; next: try more with --cpu, --memory or --within"


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end the block as Ctrl-C does, so that what was started is stopped."""

    def interrupt(number: int, frame: Any) -> None:  # noqa: ARG001 - as the system calls it
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

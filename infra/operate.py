"""Commands that change an environment: up and down."""

import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

import stacks.environment
import stacks.model
from infra import report
from infra.deploy.down import model_stacks, prove_environment_gone, prove_models_gone, remove_models
from infra.deploy.engine import Engine, quiet_about_ended_programs
from infra.deploy.record import Live, live_models
from infra.deploy.up import Deployer, Done, Programs, needs_update
from infra.errors import DeployError, Place, SlipwayError, UnknownName, UserError
from infra.failures import Interrupted
from infra.look import reachable, url
from infra.names import stack
from infra.opened import Opened
from infra.plan import ModelPlan

_DRAWN_ANSWER = 300


@dataclass(frozen=True)
class Options:
    """What a person chose on the command line. `jobs`: models at once."""

    yes: bool
    jobs: int
    refresh: bool = False
    prune: bool = False


def bring_up(opened: Opened, names: Sequence[str], options: Options) -> None:
    """Run the environment's stack, then the stack of every model that changed; judge, and say how it ended.

    Raises the `DeployError` of the first model that failed, after all others were brought up.
    """
    started = time.monotonic()
    models = opened.models(names)
    with _engine(opened) as (engine, cancelled):
        live = live_models(opened.cluster)
        changed = [model for model in models if options.refresh or needs_update(model, live.get(model.name))]
        extra = [] if names else sorted(set(live) - {model.name for model in opened.plan.models})
        _announce(opened, models, changed, live, extra, options)
        _confirm(f"bring {opened.name} up", options, changing=bool(changed or (extra and options.prune)))
        with report.Progress() as progress:
            begun = time.monotonic()
            progress.report(opened.name, "updating its stack")
            engine.up(
                stack(opened.name),
                stacks.environment.program(opened.name, opened.settings),
                lambda text: progress.report(opened.name, text),
                new=not live,
            )
            progress.report(opened.name, "up")
            steps = {"environment": time.monotonic() - begun}
            deployer = Deployer(
                opened.name,
                opened.cluster,
                engine,
                Programs(stacks.model.program, stacks.model.release_program),
                progress.report,
                cancelled,
                options.jobs,
            )
            done = deployer.deploy(changed, live)
            if options.prune and extra:
                failed = remove_models(engine, opened.name, extra, progress.report, options.jobs)
                done += [Done(name, live[name].version, error=error) for name, error in failed.items() if error]
        if cancelled.is_set():
            raise Interrupted
    _conclude(opened, models, done, steps, time.monotonic() - started)


def _announce(
    opened: Opened,
    models: Sequence[ModelPlan],
    changed: Sequence[ModelPlan],
    live: dict[str, Live],
    extra: Sequence[str],
    options: Options,
) -> None:
    """Say what will happen to each model before anything does."""
    for model in changed:
        here = live.get(model.name)
        was = "new" if here is None else f"now {here.version}, release {here.release}"
        report.message(f"  {model.name} {model.version}, release {model.release} ({was})")
        for warning in model.warnings:
            report.message(f"    warning: {warning}")
    report.message(f"environment {opened.name}: {len(changed)} of {len(models)} models to deploy")
    for name in extra:
        what = (
            "will be taken down"
            if options.prune
            else f"stays; --prune or `slipway down {opened.name} {name}` removes it"
        )
        report.message(f"  {name} is live and has no spec: it {what}")


def _confirm(what: str, options: Options, *, changing: bool) -> None:
    """Ask a person; where there is none, only --yes counts."""
    if options.yes or not changing:
        return
    if not sys.stdin.isatty():
        raise UserError(
            Place("command line"), "--yes", "is missing, and nobody can be asked here", "--yes", "add --yes"
        )
    if not click.confirm(f"{what}?", err=True):
        raise click.Abort


def _conclude(
    opened: Opened, models: Sequence[ModelPlan], done: Sequence[Done], steps: dict[str, float], took_s: float
) -> None:
    """Print what serves and what does not; raise when something failed."""
    failed = [item for item in done if item.error]
    by_name = {item.model: item for item in done}
    services = {item["metadata"]["name"]: item for item in opened.cluster.list("Service")}
    for name, seconds in steps.items():
        report.message(f"{name}: {report.duration(seconds)}")
    for one in done:
        if one.steps:
            report.message(f"{one.model}: {report.durations(one.steps)}")
    for model in models:
        item: Done | None = by_name.get(model.name)
        if item and item.error:
            continue
        where = url(opened, services.get(model.name))
        judged = f"answered right in {report.duration(item.verdict.took_s)}" if item and item.verdict else "unchanged"
        report.result(f"{model.name} {model.version}  {where or 'inside the cluster'}  {judged}")
        if where and item and item.verdict and not reachable(where):
            report.result(f"  {where} is not reached from this machine; the model answers inside the cluster")
        elif where and item and item.verdict:
            request = model.spec.check.request
            report.result(f"  curl -s {where}/predict -H 'content-type: application/json' -d @{request}")
            answer = json.dumps({"outputs": item.verdict.outputs})
            report.result(f"  {answer if len(answer) <= _DRAWN_ANSWER else answer[:_DRAWN_ANSWER] + '...'}")
    if not failed:
        named = ", ".join(model.name for model in models) or "none"
        report.result(f"environment `{opened.name}` up in {report.duration(took_s)}, models answering: {named}")
        return
    for one in failed:
        ending = f"; {one.restored}" if one.restored else ""
        report.message(f"{one.model} {one.version} failed{ending}")
        report.message(f"  {one.error}")
    text = f"{len(failed)} of {len(done)} models failed: {', '.join(item.model for item in failed)}"
    if all(isinstance(item.error, DeployError) for item in failed):
        raise DeployError(text)
    raise SlipwayError(text)


def take_down(opened: Opened, names: Sequence[str], options: Options) -> None:
    """Destroy the stacks of models, or all of an environment and then its own, and prove that nothing is left."""
    started = time.monotonic()
    with _engine(opened) as (engine, cancelled):
        existing = model_stacks(engine.stacks(), opened.name)
        for name in names:
            if name not in existing:
                raise UnknownName(Place(f"environment {opened.name}"), "model", name, existing)
        chosen = list(names) or existing
        report.message(f"{len(chosen)} models will be taken down: {', '.join(chosen) or 'none'}")
        _confirm(f"take {', '.join(names) or opened.name} down", options, changing=True)
        with report.Progress() as progress:
            failed = remove_models(engine, opened.name, chosen, progress.report, options.jobs)
            errors = [error for error in failed.values() if error]
            if cancelled.is_set():
                raise Interrupted
            if errors:
                raise errors[0]
            progress.report(opened.name, "waiting until nothing is left")
            prove_models_gone(opened.cluster, opened.name, names or None)
            if not names:
                engine.destroy(stack(opened.name), lambda text: progress.report(opened.name, text))
                prove_environment_gone(opened.cluster, opened.name)
    what = f"models {', '.join(names)} of `{opened.name}`" if names else f"environment `{opened.name}`"
    report.result(f"{what} down in {report.duration(time.monotonic() - started)}; nothing is left in the cluster")


@contextmanager
def _engine(opened: Opened) -> Iterator[tuple[Engine, threading.Event]]:
    """Give an engine with a workspace of its own; Ctrl-C and SIGTERM make it stop in order, not at once."""
    cancelled = threading.Event()
    quiet_about_ended_programs()

    def cancel(*_: object) -> None:
        report.message("stopping: what is under way is finished or saved; a moment")
        cancelled.set()

    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            yield Engine(Path(folder), opened.secrets, cancelled), cancelled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

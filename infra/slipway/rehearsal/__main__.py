"""`python -m slipway.rehearsal ENV`: rehearse an environment of kind aws, from nothing to a serving model and back."""

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import click

from slipway import console
from slipway.commands.context import EnvironmentContext, Folders
from slipway.engine.events import Outcome
from slipway.engine.language_server import quiet_about_ended_programs
from slipway.errors.base import DeployError, SlipwayError, UserError, UserErrors
from slipway.errors.failures import Interrupted
from slipway.local.host.errors import LocalError
from slipway.plan.model import ModelPlan
from slipway.rehearsal import checks, leftovers, summary
from slipway.rehearsal.acts import Acts, copied_settings, timed
from slipway.rehearsal.processes import RehearsalError
from slipway.rehearsal.stage import NOTICE, Stage, stage
from slipway.settings.aws import AwsSettings
from slipway.values import names

_FAILED, _OTHER, _INTERRUPTED = 2, 3, 130
_JOBS = 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("environment")
@click.option("--keep", is_flag=True, help="Before the end, wait for Enter, to look at what is there.")
@click.option("--models", type=click.Path(path_type=Path), default=Path("models"), help="Folder of the specs.")
@click.option("--settings", type=click.Path(path_type=Path), default=Path("stacks"), help="Folder of the settings.")
def main(environment: str, models: Path, settings: Path, *, keep: bool) -> None:
    """Bring ENVIRONMENT and its models up, change nothing, look at every pod, take all of it down."""
    context = EnvironmentContext(environment, Folders(models, settings))
    aws = context.settings
    if not isinstance(aws, AwsSettings):
        raise RehearsalError(
            f"{environment} is of kind {aws.kind}: bring it up instead; only kind aws needs a rehearsal"
        )
    planned = context.models(())
    console.message(NOTICE)
    cancelled = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: cancelled.set())
    quiet_about_ended_programs()
    times: dict[str, float] = {}
    with ExitStack() as stack:
        console.message("setting the stage: a control plane, moto, stand-ins for pulumi-aws, Helm and Docker")
        with timed(times, "setting the stage"):
            on = stack.enter_context(stage(aws, console.message))
        _play(on, environment, models, settings, planned, cancelled, times, keep=keep)
    summary.times(times)
    summary.reality()
    console.result(f"rehearsal of `{environment}` went well; nothing is left")


def _play(
    on: Stage,
    environment: str,
    models: Path,
    settings: Path,
    planned: list[ModelPlan],
    cancelled: threading.Event,
    times: dict[str, float],
    *,
    keep: bool,
) -> None:
    """All acts, in order."""
    copied_settings(settings, on.folder / "stacks", on.moto)
    folders = Folders(models, on.folder / "stacks")
    before = leftovers.account(on)
    with console.Progress() as progress:
        acts = Acts(on, environment, folders, progress.report, cancelled)
        with timed(times, "environment up"):
            acts.up()
        with timed(times, "models up"):
            _models_up(acts, planned)
        with timed(times, "second up, nothing changed"):
            checks.require_unchanged(environment, acts.up().changed)
            for model, outcome in zip(planned, _models_up(acts, planned), strict=True):
                checks.require_unchanged(model.name, outcome.changed)
        placed = {model.name: checks.nodes_of_model(acts, model) for model in planned}
        states = [acts.state(), *(acts.state(model.name) for model in planned)]
    summary.resources(on, states)
    console.table(
        ("model", "pool, as planned", "nodes"),
        [(model.name, model.pool.name, ", ".join(placed[model.name])) for model in planned],
        "Where models are",
    )
    if keep:
        console.message(f"KUBECONFIG={on.plane.kubeconfig} AWS_ENDPOINT_URL={on.moto}: Enter takes it all down")
        sys.stdin.readline()
    with timed(times, "down"):
        acts.down()
    checks.require_nothing_left(leftovers.account(on) - before, on.nodes.names(names.cluster(environment)))


def _models_up(acts: Acts, planned: list[ModelPlan]) -> list[Outcome]:
    with ThreadPoolExecutor(max_workers=_JOBS) as pool:
        return list(pool.map(acts.model_up, planned))


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (UserError, UserErrors) as error:
        console.message(f"error: {error}", "red")
        sys.exit(1)
    except (Interrupted, click.Abort):
        console.message("interrupted; nothing of the rehearsal is left")
        sys.exit(_INTERRUPTED)
    except (RehearsalError, LocalError, SlipwayError) as error:
        console.message(f"rehearsal failed: {error}", "red")
        sys.exit(_FAILED if isinstance(error, (RehearsalError, DeployError)) else _OTHER)
    except click.ClickException as error:
        error.show()
        sys.exit(1)

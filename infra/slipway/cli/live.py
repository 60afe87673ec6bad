"""Commands that look at what is live and change nothing: status, drift, preview, predict, verify, logs, tunnel."""

from pathlib import Path
from typing import Any

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JSON, MODELS, open_environment, with_folders
from slipway.commands.project import completion
from slipway.reading.folders import Folders


@cli.command()
@ENVIRONMENT
@MODELS
@JSON
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write all models as a page, as `dashboard` has it."
)
@with_folders
def status(environment: str, models: tuple[str, ...], as_json: bool, html: Path | None, folders: Folders) -> None:
    """Show what is live: release, readiness, whether it was verified, and its URL."""
    from slipway.commands.inspecting.dashboard import write_status  # noqa: PLC0415
    from slipway.commands.inspecting.status import show_status  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    if html is None:
        show_status(context, models, as_json=as_json)
    elif models or as_json:
        raise click.UsageError("--html shows all models, in no other form; next: leave out MODEL and --json")
    else:
        write_status(context, html)


@cli.command()
@click.argument("environments", nargs=-1, required=True, metavar="ENV...", shell_complete=completion.environments)
@click.option("--port", type=click.IntRange(1024, 65535), help="Port of this machine; else one that is free.")
@with_folders
def dashboard(environments: tuple[str, ...], port: int | None, folders: Folders) -> None:
    """Serve a page about environments: models, verdicts, replicas, rollouts, objectives, price and last changes.

    On this machine alone, at the address that is printed, until Ctrl-C. The page asks for news every few seconds.
    """
    from slipway.commands.inspecting.dashboard import show_dashboard  # noqa: PLC0415

    show_dashboard(environments, folders, port or 0)


@cli.command()
@ENVIRONMENT
@MODELS
@JSON
@with_folders
def drift(environment: str, models: tuple[str, ...], as_json: bool, folders: Folders) -> None:
    """Show how far what models were asked and answered is from what it was."""
    from slipway.commands.inspecting.drift import show_drift  # noqa: PLC0415

    show_drift(open_environment(environment, folders, ()), models, as_json=as_json)


@cli.command()
@ENVIRONMENT
@MODELS
@click.option("--json", "form", flag_value="json", help="Print one JSON document.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the comment of a pull request.")
@with_folders
def preview(environment: str, models: tuple[str, ...], form: Any, folders: Folders) -> None:
    """Show what `up` would do: to each model that changes, to its manifests, to each stack, and to the bill.

    Of a fleet: which devices get what in which ring. Nothing is written: no state, no lock, no object. Exit code 1
    where `up` would refuse it, once all is shown.
    """
    from slipway.commands.previewing.preview import show_preview  # noqa: PLC0415 - the engine's SDK takes a second

    show_preview(open_environment(environment, folders, models or None), models, form or "text")


@cli.command()
@ENVIRONMENT
@MODELS
@JSON
@with_folders
def touched(environment: str, models: tuple[str, ...], as_json: bool, folders: Folders) -> None:
    """Show what somebody changed or deleted since `up` made it, in ENV's own stack and in those of its models.

    Nothing is written. Exit code 2 when something has drifted; 3 when a stack could not be asked, and nothing that is
    known has.
    """
    from slipway.commands.previewing.touched import show_touched  # noqa: PLC0415 - as above

    show_touched(open_environment(environment, folders, ()), models, as_json=as_json)


@cli.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.argument("file", type=click.File("rb"))
@with_folders
def predict(environment: str, model: str, file: Any, folders: Folders) -> None:
    """Send FILE (JSON, or an image; `-` for standard input) to a model, and print its answer."""
    from slipway.commands.inspecting.predicting import show_prediction  # noqa: PLC0415

    show_prediction(open_environment(environment, folders, ()), model, file.name, file.read())


@cli.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.argument("file", type=click.File("rb"))
@click.option("--output", metavar="NAME", help="What of the answers is measured; else scores, a number, or the label.")
@click.option(
    "--baseline", type=float, metavar="NUMBER", help="Put in a hidden part's place; else a picture's mean, or 0."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with a picture, too.")
@JSON
@with_folders
def explain(
    environment: str,
    model: str,
    file: Any,
    output: str | None,
    baseline: float | None,
    html: Path | None,
    as_json: bool,
    folders: Folders,
) -> None:
    """Show which parts of FILE decided a model's answer: each is hidden in turn, and the model asked again.

    FILE is a picture, or JSON with one row of numbers for each input. Up to 256 parts, so as many requests: past the
    gateway, and counted nowhere.
    """
    from slipway.commands.inspecting.explaining import show_explanation  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    show_explanation(context, model, (file.name, file.read()), output, baseline, html, as_json=as_json)


@cli.command()
@ENVIRONMENT
@MODELS
@click.option("--no-wake", is_flag=True, help="Leave models asleep that sleep; say so instead of asking them.")
@JSON
@with_folders
def verify(environment: str, models: tuple[str, ...], no_wake: bool, as_json: bool, folders: Folders) -> None:
    """Send the golden request of live models through their Services. Exit code 2 when an answer is wrong or late.

    Devices of a fleet ask it themselves: what they report is shown.
    """
    from slipway.commands.inspecting.live import show_verdicts  # noqa: PLC0415

    show_verdicts(open_environment(environment, folders, ()), models, wake=not no_wake, as_json=as_json)


@cli.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.option("--since", metavar="TIME", help="Only lines of so long, as 30s, 15m or 2h; else all that is kept.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until you interrupt it.")
@click.option("--previous", is_flag=True, help="Of containers before they were restarted.")
@click.option("--release", type=click.Choice(["new", "old"]), help="Of one release, while two have pods.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as one JSON document.")
@with_folders
def logs(
    environment: str,
    model: str,
    since: str | None,
    follow: bool,
    previous: bool,
    release: Any,
    as_json: bool,
    folders: Folders,
) -> None:
    """Show what the pods of MODEL log, by time. The model server never logs what it was asked or answered."""
    from slipway.commands.inspecting.logs import Wanted, seconds, show_logs  # noqa: PLC0415

    wanted = Wanted(None if since is None else seconds("--since", since), previous, release)
    show_logs(open_environment(environment, folders, ()), model, wanted, follow=follow, as_json=as_json)


@cli.command("gateway-ca")
@ENVIRONMENT
@with_folders
def gateway_ca(environment: str, folders: Folders) -> None:
    """Print the certificate of the authority that clients of a self-signed gateway have to trust, as PEM."""
    from slipway.commands.inspecting.gateway import show_authority  # noqa: PLC0415

    show_authority(open_environment(environment, folders, ()))


@cli.command()
@ENVIRONMENT
@with_folders
def tunnel(environment: str, folders: Folders) -> None:
    """Keep a tunnel to the private API server of an environment on AWS open, through its bastion, until Ctrl-C."""
    from slipway.commands.inspecting.tunnel import keep_tunnel  # noqa: PLC0415

    keep_tunnel(open_environment(environment, folders, ()))

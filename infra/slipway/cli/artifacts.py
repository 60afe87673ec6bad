"""Commands about what serves before it does, and about what is kept of it: lock, cache and others."""

from pathlib import Path

import click

from slipway.cli.group import cli
from slipway.cli.options import with_folders
from slipway.commands.project import completion
from slipway.reading.folders import Folders


@cli.command("lock")
@click.argument("models", nargs=-1, metavar="[MODEL]...", shell_complete=completion.models)
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when the lock would be another one.")
@click.option("--report", type=click.Path(path_type=Path), help="File for the report of one model, as HTML.")
@with_folders
def lock_models(models: tuple[str, ...], check: bool, report: Path | None, folders: Folders) -> None:
    """Run the steps of a spec's `optimize`, measure what they make against its `accept`, and write the model's lock.

    Without MODEL, for all models that need a lock or have one. What `accept` refuses is shown, and the lock stays as it
    is. The lock, models/MODEL.lock.yaml, belongs into the repository: validate, plan and up go by it.
    """
    from slipway.commands.artifacts.lock import lock_models as lock  # noqa: PLC0415 - onnx is not for `--help`

    lock(models, folders, report, check=check)


@cli.command("cache")
@click.option("--prune", is_flag=True, help="Remove what nobody used for --days.")
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="Unused for so many days.")
def show_cache(prune: bool, days: int) -> None:
    """Show what this machine keeps to have it sooner again: weights, results of steps, tool environments, wheels.

    All of it can be had again: fetched, made by `slipway lock` or `up`, or installed. What `slipway local` built is not
    in it: `make down TOOLS=1` removes that.
    """
    from slipway.commands.artifacts.cache import show_cache as show  # noqa: PLC0415 - see above

    show(days, prune=prune)

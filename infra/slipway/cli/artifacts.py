"""Commands about what serves before it does: lock."""

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

"""The command about files of rows: batch."""

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, open_environment, with_folders
from slipway.commands.project import completion
from slipway.reading.folders import Folders


@cli.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.argument("source", metavar="INPUT")
@click.argument("target", metavar="OUTPUT")
@click.option("--parts", type=click.IntRange(1, 2000), help="How many parts at most; one for each MiB when left out.")
@click.option("--parallel", type=click.IntRange(1, 50), default=1, show_default=True, help="Pods at once.")
@click.option("--detach", is_flag=True, help="Do not wait: the Job runs on, and the same command follows it.")
@click.option("--status", "only_status", is_flag=True, help="Change nothing; say how far it is.")
@click.option("--cancel", "only_cancel", is_flag=True, help="End it, and delete what travelled for it.")
@with_folders
def batch(
    environment: str,
    model: str,
    source: str,
    target: str,
    parts: int | None,
    parallel: int,
    detach: bool,
    only_status: bool,
    only_cancel: bool,
    folders: Folders,
) -> None:
    """Run a model over a file, as a Job of the image that serves.

    INPUT is lines of JSON (.jsonl) or arrays (.npz), OUTPUT a folder: each here, or s3://BUCKET/KEY in the
    environment's model store. Interrupted or failed, the same command goes on at the parts that are missing.
    """
    from slipway.commands.batches import batch as command  # noqa: PLC0415 - reading weights takes a second

    if only_status + only_cancel + detach > 1:
        raise click.UsageError("--status, --cancel and --detach exclude each other")
    context = open_environment(environment, folders, (model,))
    if only_status:
        command.show_status(context, model, source, target, parts)
    elif only_cancel:
        command.cancel(context, model, source, target, parts)
    else:
        command.run_batch(context, model, source, target, command.Options(parts, parallel, detach))

"""Commands about samples of requests and answers that models kept: erase, export."""

from pathlib import Path

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JSON, YES, open_environment, with_settings
from slipway.reading.folders import Folders

_SUBJECT = "Whom they are about, as clients say it in the header x-slipway-subject."


@cli.command()
@ENVIRONMENT
@click.option("--subject", metavar="ID", help=_SUBJECT)
@click.option("--expired", is_flag=True, help="Instead, delete what is older than `capture.keep` of its model.")
@YES
@JSON
@with_settings
def erase(environment: str, subject: str | None, expired: bool, yes: bool, as_json: bool, folders: Folders) -> None:
    """Erase all samples about a subject: destroy its keys, delete every version, print what was looked at."""
    from slipway.commands.changing.samples import erase_expired, erase_subject  # noqa: PLC0415 - as for other commands
    from slipway.commands.changing.session import Options  # noqa: PLC0415

    if (subject is None) != expired:
        raise click.UsageError("exactly one of --subject and --expired is needed; next: write --subject ID")
    context, options = open_environment(environment, folders, ()), Options(yes=yes, jobs=1)
    if subject is None:
        erase_expired(context, options)
    else:
        erase_subject(context, subject, options, as_json=as_json)


@cli.command()
@ENVIRONMENT
@click.option("--subject", metavar="ID", required=True, help=_SUBJECT)
@click.option(
    "--output", type=click.Path(path_type=Path), help="File to write, which is not there yet; else standard output."
)
@with_settings
def export(environment: str, subject: str, output: Path | None, folders: Folders) -> None:
    """Write all samples about a subject, decrypted, a line of JSON each."""
    from slipway.commands.changing.samples import export_subject  # noqa: PLC0415

    export_subject(open_environment(environment, folders, ()), subject, output)

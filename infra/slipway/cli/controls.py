"""The command about controls."""

from pathlib import Path
from typing import Any

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, open_environment, with_folders
from slipway.reading.folders import Folders


@cli.command()
@ENVIRONMENT
@click.option("--json", "form", flag_value="json", help="Print one JSON document.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV: a line for each thing that was read.")
@click.option(
    "--html", "page", metavar="FILE", type=click.Path(path_type=Path), help="Write a page that needs nothing else."
)
@click.option("--refresh", is_flag=True, help="Also ask the cloud, as `pulumi refresh` does; nothing is written.")
@with_folders
def controls(environment: str, form: Any, page: Path | None, refresh: bool, folders: Folders) -> None:
    """Hold ENV against controls of GDPR, CCPA and SOC 2: what its plan and its live state prove, and what they cannot.

    Each is proven (read live), configured (the plan says so), failed (one of both contradicts it: exit code 1), not
    configured, or not provable here. With it, a draft of the record of processing. It is no legal advice.
    """
    from slipway.commands.controls.controls import show_controls  # noqa: PLC0415 - the engine's SDK takes a second

    show_controls(open_environment(environment, folders, ()), form or "text", page, refresh=refresh)

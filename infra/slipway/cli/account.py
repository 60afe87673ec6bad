"""Commands that ask an account and change nothing in it: doctor, catalog."""

import sys

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JSON, open_environment, with_settings
from slipway.reading.folders import Folders


@cli.command()
@ENVIRONMENT
@JSON
@with_settings
def doctor(environment: str, as_json: bool, folders: Folders) -> None:
    """Ask the account whether `up` will work: quotas, zones, offers, versions, roles, costs, state, addresses.

    Only reads, with your credentials. Exit code 1 when anything is an error; what could not be asked is `unknown`.
    """
    from slipway.commands.inspecting.doctor import show_findings  # noqa: PLC0415 - AWS's SDK is not for `--help`

    sys.exit(show_findings(open_environment(environment, folders, ()), as_json=as_json))


@cli.group()
def catalog() -> None:
    """What AWS offers and for what, as the plan sees it: shipped with Slipway, or asked of your account."""


@catalog.command("update")
@ENVIRONMENT
@click.option("--family", "families", multiple=True, help="A family more than the catalogue has, such as m8a.")
@with_settings
def catalog_update(environment: str, families: tuple[str, ...], folders: Folders) -> None:
    """Ask the account for zones, types and prices of the environment's region, show what differs, and write it down.

    The file is catalog/ACCOUNT-REGION.json beside the settings, to be committed: the plan prefers it.
    """
    from slipway.commands.project.catalogue import update  # noqa: PLC0415 - AWS's SDK is not for `--help`

    update(open_environment(environment, folders, ()), families)


@catalog.command("show")
@click.argument("region")
@JSON
@with_settings
def catalog_show(region: str, as_json: bool, folders: Folders) -> None:
    """Show the instance types of a region, cheapest first, with their prices, and which files this is from."""
    from slipway.commands.project.catalogue import show  # noqa: PLC0415

    show(region, folders, as_json=as_json)

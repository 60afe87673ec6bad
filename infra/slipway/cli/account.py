"""Commands that ask an account and change nothing in it: doctor, catalog."""

import sys

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

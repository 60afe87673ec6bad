"""Run the command `slipway`: read arguments, call what does the work, and end with the right code."""

import sys
import traceback

import click

from slipway import console
from slipway.cli import (
    account,
    advise,
    artifacts,
    batch,
    changing,
    controls,
    fleets,
    keys,
    live,
    measure,
    offline,
    project,
    samples,
    signing,
    simulate,
    versions,
)
from slipway.cli.group import cli
from slipway.errors.base import SlipwayError, UserErrors
from slipway.errors.full_disk import full_disk

COMMANDS = (
    account, advise, artifacts, batch, changing, controls, fleets, keys, live, measure, offline, project, samples,
    signing, simulate, versions,
)  # fmt: skip
"""Each adds its commands to the group when it is imported."""


def main() -> None:
    """Run the command; every error ends in a message and a code, a traceback only with --debug."""
    debug = "--debug" in sys.argv[1:]
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        console.message("interrupted; what was finished is kept: run the same command again to continue")
        sys.exit(3)
    except BrokenPipeError:
        sys.exit(3)
    except SlipwayError as error:
        if debug:
            traceback.print_exc()
        console.message(str(error))
        if isinstance(error, UserErrors) and len(error.findings) > 1:
            console.message(f"{len(error.findings)} findings; nothing was changed")
        sys.exit(error.exit_code)
    except Exception as error:
        if debug:
            traceback.print_exc()
        elif isinstance(error, OSError) and (lack := full_disk("slipway cannot write", error)):
            console.message(str(lack))
        else:
            console.message(f"slipway failed, which is a bug: {type(error).__name__}: {error}; --debug shows where")
        sys.exit(3)

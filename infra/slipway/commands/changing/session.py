"""What all changing commands share: the options, an engine that stops in order, and the question before a change."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.engine.engine import Engine
from slipway.engine.language_server import quiet_about_ended_programs
from slipway.engine.workspace import workspace
from slipway.errors.base import Place, UserError


@dataclass(frozen=True)
class Options:
    """What a person chose on the command line.

    `jobs`: models at once. `delete_data`: names of what holds data and may be deleted. `adopt`: the namespace of others
    that the environment may use. `again`: deploy what was rolled back. `detach`: leave releases that are judged beside
    others to their judges. `with_foreign`: delete what users made in a cluster of ours.
    """

    yes: bool
    jobs: int
    refresh: bool = False
    prune: bool = False
    delete_data: tuple[str, ...] = ()
    adopt: str | None = None
    again: bool = False
    detach: bool = False
    with_foreign: bool = False


@contextmanager
def engine_of(context: EnvironmentContext) -> Iterator[tuple[Engine, threading.Event]]:
    """Give an engine with a workspace of its own; Ctrl-C and SIGTERM make it stop in order, not at once."""
    cancelled = threading.Event()
    quiet_about_ended_programs()

    def cancel(*_: object) -> None:
        console.message("stopping: finishing or saving what is under way")
        cancelled.set()

    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with workspace() as folder:
            yield Engine(folder, context.secrets, cancelled), cancelled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def confirm(what: str, options: Options, *, changing: bool) -> None:
    """Ask a person; where there is none, only --yes counts."""
    if options.yes or not changing:
        return
    if not sys.stdin.isatty():
        raise UserError(
            Place("command line"), "--yes", "is missing, and there is no terminal to ask on", "--yes", "add --yes"
        )
    if not click.confirm(f"{what}?", err=True):
        raise click.Abort

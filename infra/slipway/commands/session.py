"""What all changing commands share: the options, an engine that stops in order, and the question before a change."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from slipway import console
from slipway.cluster.api import Json
from slipway.commands.opened import Opened
from slipway.engine.engine import Engine
from slipway.engine.language_server import quiet_about_ended_programs
from slipway.engine.resume import resume
from slipway.engine.workspace import workspace
from slipway.errors.base import Place, UserError, UserErrors, WrongValue
from slipway.loading.settings import CONFIG_KEY, read_settings
from slipway.reading.findings import dotted
from slipway.settings.aws import AwsSettings


@dataclass(frozen=True)
class Options:
    """What a person chose on the command line.

    `jobs`: models at once. `delete_data`: names of what holds data and may be deleted. `adopt`: the namespace of others
    that the environment may use.
    """

    yes: bool
    jobs: int
    refresh: bool = False
    prune: bool = False
    delete_data: tuple[str, ...] = ()
    adopt: str | None = None


@contextmanager
def engine_of(opened: Opened) -> Iterator[tuple[Engine, threading.Event]]:
    """Give an engine with a workspace of its own; Ctrl-C and SIGTERM make it stop in order, not at once."""
    cancelled = threading.Event()
    quiet_about_ended_programs()

    def cancel(*_: object) -> None:
        console.message("stopping: what is under way is finished or saved; a moment")
        cancelled.set()

    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with workspace() as folder:
            yield Engine(folder, opened.secrets, cancelled), cancelled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def guard(opened: Opened) -> None:
    """Refuse credentials of another AWS account than the environment's; say when the cluster will not know them."""
    account, settings = opened.account, opened.settings
    if account is None or not isinstance(settings, AwsSettings):
        return
    caller = account.caller()
    if caller.account != settings.account:
        at = ("config", CONFIG_KEY, "account")
        place = read_settings(opened.folders.settings, opened.name).document.place(at)
        problem = f"is not the account of the caller, {caller.arn}"
        todo = "take credentials of the environment's account (`aws sts get-caller-identity` shows whose they are)"
        raise UserErrors([WrongValue(place, dotted(at), settings.account, problem, caller.account, todo)])
    if not any(caller.is_role(role) for role in settings.administrators):
        console.message(
            f"warning: {caller.arn} is no session of a role in `administrators`: "
            "the cluster will refuse what it asks for, unless it has access by another way"
        )


def settle(
    opened: Opened, engine: Engine, stack: str, tell: Callable[[str], None], *, doubted: bool = True
) -> Json | None:
    """Settle what a killed run left open in a stack; returns its state, None when there is none or nobody looked.

    A killed run leaves AWS objects that the state does not know, so that on AWS it is looked for each time. Kubernetes
    objects are adopted by their names: nothing has to be found, and it is looked only where the state is `doubted`.
    """
    account = opened.account
    if account is not None:
        return resume(engine, stack, account.identifiers, tell)
    return resume(engine, stack, lambda *_: (), tell) if doubted else None


def confirm(what: str, options: Options, *, changing: bool) -> None:
    """Ask a person; where there is none, only --yes counts."""
    if options.yes or not changing:
        return
    if not sys.stdin.isatty():
        raise UserError(
            Place("command line"), "--yes", "is missing, and nobody can be asked here", "--yes", "add --yes"
        )
    if not click.confirm(f"{what}?", err=True):
        raise click.Abort

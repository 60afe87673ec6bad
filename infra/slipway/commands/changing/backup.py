"""Commands that back up what an environment cannot make again, and restore it: backup, restore."""

import os
from datetime import UTC, datetime

from slipway import console
from slipway.backup.database import LedgerDatabase, reached
from slipway.backup.errors import HalfRestored
from slipway.backup.manifest import Parts, backup_name
from slipway.backup.place import backup_at, new_backup
from slipway.backup.restore import (
    Backup,
    changed,
    check_ledger,
    read,
    restore_history,
    restore_ledger,
    restore_states,
)
from slipway.backup.take import Sources, take
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.environments.planning.kinds import planning
from slipway.errors.base import SlipwayError
from slipway.history.backend import backend_url, open_backend
from slipway.history.errors import NoHistory
from slipway.history.store import Store

_ELSEWHERE = (
    "keys and ledger are in a database outside of the cluster, which has backups of its own: docs/how-to/backup.md"
)


def back_up(context: EnvironmentContext, to: str) -> None:
    """Back an environment up to a new folder at `to`, and print what `restore` takes to name the backup."""
    taken_at = datetime.now(tz=UTC).replace(microsecond=0)
    context.running.check_account()
    place = new_backup(to, backup_name(context.name, taken_at))
    with engine_of(context) as (engine, _), console.Progress() as progress:
        ledger = LedgerDatabase(context.cluster, context.name) if _in_cluster(context) else None
        sources = Sources(engine, _history(), ledger)

        def tell(text: str) -> None:
            progress.report("backing up", text)

        manifest, unread = take(context.name, taken_at, sources, place, tell)
    contents = [f"{len(manifest.stacks)} states", *(["history"] if manifest.history else [])]
    contents += ["keys and ledger"] if manifest.ledger else []
    console.message(f"backed up: {', '.join(contents)}")
    if context.has_gateway and ledger is None:
        console.message(_ELSEWHERE)
    console.result(place.address)
    if unread:
        lines = "\n  ".join(map(str, unread))
        raise SlipwayError(f"the backup is complete but for {len(unread)} entries of the history:\n  {lines}")


def restore(
    context: EnvironmentContext, address: str, only: Parts | None, options: Options, *, overwrite_newer: bool
) -> None:
    """Restore a backup, or one part of it.

    Raises `UserErrors` where something newer would be lost, `HalfRestored` when there is no database yet.
    """
    parts: tuple[Parts, ...] = (only,) if only else ("state", "ledger")
    place = backup_at(address)
    with read(place, context.name, parts) as backup, engine_of(context) as (engine, _):
        context.running.check_account()
        stacks = changed(backup, engine, overwrite_newer=overwrite_newer) if "state" in parts else []
        ledger = reached(context.cluster, context.name) if _with_ledger(backup, parts) else None
        if isinstance(ledger, SlipwayError) and only:
            raise ledger
        lost = None
        if isinstance(ledger, LedgerDatabase):
            lost = check_ledger(backup, ledger, context.name, overwrite_newer=overwrite_newer)
        _announce(backup, stacks, ledger, lost)
        confirm(f"restore {context.name}", options, changing=True)
        with console.Progress() as progress:

            def tell(text: str) -> None:
                progress.report("restoring", text)

            if "state" in parts:
                restore_states(backup, stacks, engine, tell)
                store = _history()
                added = restore_history(backup, store) if store else 0
            if isinstance(ledger, LedgerDatabase):
                tell("keys and ledger")
                restore_ledger(backup, ledger)
    if isinstance(ledger, SlipwayError):
        raise HalfRestored(context.name, address, str(ledger))
    if "state" in parts:
        console.message(f"{len(stacks)} states replaced, {added} entries of the history added")
        console.message(f"slipway up {context.name} --refresh compares what was restored with what is there")
    if ledger:
        console.message("keys and ledger are those of the backup; clients go on with the keys that they have")
    console.result(f"`{context.name}` restored as of {backup.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC")


def _with_ledger(backup: Backup, parts: tuple[Parts, ...]) -> bool:
    return "ledger" in parts and backup.manifest.ledger is not None


def _announce(
    backup: Backup, stacks: list[str], ledger: LedgerDatabase | SlipwayError | None, lost: str | None
) -> None:
    console.message(f"backup of {backup.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC by Slipway {backup.manifest.slipway}")
    if stacks:
        console.message(f"  states that will be replaced: {', '.join(stacks)}")
    if isinstance(ledger, LedgerDatabase):
        console.message("  keys and ledger will be replaced; meanwhile keys that were not seen within a minute get 503")
    if lost:
        console.message(f"  lost with it: {lost}")


def _in_cluster(context: EnvironmentContext) -> bool:
    gateway = planning(context.settings).gateway
    return gateway is not None and gateway.database is not None


def _history() -> Store | None:
    try:
        return Store(open_backend(backend_url(os.environ)))
    except NoHistory as error:
        console.message(str(error))
        return None

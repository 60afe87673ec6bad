"""Commands that back up what an environment cannot make again, and restore it: backup, restore."""

from datetime import UTC, datetime

from slipway import console
from slipway.backup.database import LedgerDatabase, reached
from slipway.backup.errors import HalfRestored
from slipway.backup.manifest import Manifest, Parts, backup_name
from slipway.backup.place import backup_at, new_backup
from slipway.backup.restore import (
    Backup,
    changed,
    check_ledger,
    missing,
    read,
    restore_history,
    restore_ledger,
    restore_states,
    restore_trail,
)
from slipway.backup.take import Sources, take
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.noting import notes_of
from slipway.environments.planning.kinds import planning
from slipway.errors.base import SlipwayError
from slipway.history.notes import Notes

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
        notes = notes_of(context)
        kept = not notes.silent
        sources = Sources(engine, notes.store if kept else None, ledger, notes.trail if kept else None)

        def tell(text: str) -> None:
            progress.report("backing up", text)

        with notes.during("backup", place.address.partition("?")[0]) as noted:
            manifest, unread = take(context.name, taken_at, sources, place, tell)
            noted.append(_contents(manifest))
    console.message(f"backed up: {_contents(manifest)}")
    if context.has_gateway and ledger is None:
        console.message(_ELSEWHERE)
    console.result(place.address)
    if unread:
        lines = "\n  ".join(map(str, unread))
        raise SlipwayError(
            f"the backup is complete but for {len(unread)} entries and records of the history:\n  {lines}"
        )


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
        notes = notes_of(context)
        taken = f"as of {backup.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"
        with notes.during("restore", place.address.partition("?")[0], [taken]) as noted, console.Progress() as progress:

            def tell(text: str) -> None:
                progress.report("restoring", text)

            if "state" in parts:
                restore_states(backup, stacks, engine, tell)
                tell("history")
                added = _restore_history(backup, notes)
                noted += [f"{len(stacks)} states replaced", f"{added} entries of the history added"]
            if isinstance(ledger, LedgerDatabase):
                tell("keys and ledger")
                restore_ledger(backup, ledger)
                noted.append("keys and ledger replaced")
    if isinstance(ledger, SlipwayError):
        raise HalfRestored(context.name, address, str(ledger))
    if "state" in parts:
        console.message(f"{len(stacks)} states replaced, {added} entries of the history added")
        console.message(f"slipway up {context.name} --refresh compares what was restored with what is there")
    if ledger:
        console.message("keys and ledger are those of the backup; clients go on with the keys that they have")
    console.result(f"`{context.name}` restored as of {backup.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC")


def _restore_history(backup: Backup, notes: Notes) -> int:
    """Add what is missing of history and audit trail; returns how many entries were added."""
    if notes.silent:
        return 0
    added = missing(backup, notes.store)
    unrecorded = restore_trail(backup, notes.trail, added)
    if unrecorded:
        console.message(f"{len(unrecorded)} entries have no record in the audit trail, which takes them in by name")
        details = [f"{len(unrecorded)} entries without a record"]
        notes.event("restore", "history", details=details, taken_in=unrecorded)
    restore_history(backup, notes.store, added)
    return len(added)


def _contents(manifest: Manifest) -> str:
    parts = {"history": manifest.history, "audit trail": manifest.audit, "keys and ledger": manifest.ledger}
    return ", ".join([f"{len(manifest.stacks)} states", *(name for name, stored in parts.items() if stored)])


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

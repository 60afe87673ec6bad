"""Commands about what was done, and versions of models: models, history, audit, rollback, restart, promote."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JOBS, JSON, MODELS, YES, open_environment, with_folders, with_settings
from slipway.commands.project import completion
from slipway.reading.folders import Folders

_REASON_MOST = 500
_HASH = re.compile(r"[0-9a-f]{64}")


def _reason(_: click.Context, __: click.Parameter, text: str) -> str:
    """One line that a terminal shows as it is: others read it in the history, and in what `up` says."""
    line = " ".join(text.split())
    if len(line) > _REASON_MOST or not line.isprintable():
        raise click.BadParameter(f"write at most {_REASON_MOST} printable characters")
    return line


REASON = click.option(
    "--reason", default="", metavar="TEXT", callback=_reason, help="Why, for whoever reads the history."
)


@cli.command()
@click.argument("model", required=False, shell_complete=completion.models)
@click.option("--environment", metavar="ENV", shell_complete=completion.environments, help="Of one environment only.")
@click.option("--owner", metavar="OWNER", help="Of the models of one owner only.")
@JSON
@with_folders
def models(model: str | None, environment: str | None, owner: str | None, as_json: bool, folders: Folders) -> None:
    """Show every version of every model: where it is live, since when and by whom, its digests and metrics.

    It is read from the histories of all environments; no cluster is asked.
    """
    from slipway.commands.artifacts.models import show_models  # noqa: PLC0415 - onnx is not for `--help`

    show_models(folders, model, environment, owner, as_json=as_json)


@cli.command()
@ENVIRONMENT
@click.argument("model", required=False, shell_complete=completion.models)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many entries.")
@click.option("--show", metavar="ID", help="All of one entry of MODEL.")
@click.option(
    "--page",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a judged rollout of MODEL (the newest, or --show) as an HTML page with plots.",
)
@JSON
@with_folders
def history(
    environment: str,
    model: str | None,
    limit: int,
    show: str | None,
    file: Path | None,
    as_json: bool,
    folders: Folders,
) -> None:
    """Show what became of the models of an environment: who deployed what, when, and how it was judged."""
    from slipway.commands.versions.history import show_entry, show_history, write_page  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    if (show or file) and model is None:
        raise click.UsageError("--show and --page are about one model: slipway history ENV MODEL --show ID")
    if file is not None and model is not None:
        write_page(context, model, show, file)
    elif show is not None and model is not None:
        show_entry(context, model, show, as_json=as_json)
    else:
        show_history(context, model, limit, as_json=as_json)


def _hash(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and not _HASH.fullmatch(text):
        raise click.BadParameter("write the 64 digits that `slipway audit ENV --verify` printed")
    return text


@cli.command()
@ENVIRONMENT
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day, in UTC; else 30 days ago.")
@click.option("--verify", is_flag=True, help="Read all of the trail and the history, and name what others changed.")
@click.option("--expect", metavar="HASH", callback=_hash, help="With --verify: what an earlier --verify printed.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@JSON
@with_settings
def audit(
    environment: str,
    since: datetime | None,
    verify: bool,
    expect: str | None,
    as_csv: bool,
    as_json: bool,
    folders: Folders,
) -> None:
    """Show who did what to ENV: models, keys, settings, backups. Each record holds the hash of the one before.

    --verify finds a record or an entry of the history that was changed, removed, moved or inserted (exit code 1), and
    prints the hash of the last one: kept elsewhere and given to --expect later, it shows an end that was cut off.
    """
    from slipway.commands.inspecting.audit import show_trail, verify_trail  # noqa: PLC0415

    if verify and (since or as_csv):
        raise click.UsageError("--verify reads all of it: leave --since and --csv out")
    if expect and not verify:
        raise click.UsageError("--expect is for --verify: slipway audit ENV --verify --expect HASH")
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two formats: choose one")
    context = open_environment(environment, folders, ())
    if verify:
        verify_trail(context, expect, as_json=as_json)
    else:
        show_trail(context, since.replace(tzinfo=UTC) if since else None, as_csv=as_csv, as_json=as_json)


@cli.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.option("--to", metavar="VERSION|RELEASE|ID", help="Which one: as `slipway history` shows it.")
@REASON
@YES
@with_folders
def rollback(environment: str, model: str, to: str | None, reason: str, yes: bool, folders: Folders) -> None:
    """Bring MODEL back to the last release before the live one that was judged right, or to another that was.

    Nothing is built. The release that served is left alone by `slipway up` from then on, until `--again`.
    """
    from slipway.commands.changing.session import Options  # noqa: PLC0415 - the engine's SDK takes a second
    from slipway.commands.versions.rollback import roll_model_back  # noqa: PLC0415

    context = open_environment(environment, folders, (model,))
    roll_model_back(context, model, to, reason, Options(yes=yes, jobs=1))


@cli.command()
@ENVIRONMENT
@MODELS
@click.option(
    "--requests",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where `do: retrain` writes MODEL.json, which `gh workflow run --json` takes.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@YES
@JSON
@with_folders
def adapt(
    environment: str,
    models: tuple[str, ...],
    requests: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    folders: Folders,
) -> None:
    """Do what specs declare in `adapt` about models of which an alert of drift or quality fires.

    At most once in a cool-down, never beside a rollout, and only where the alert is about the version that serves.
    Meant for a schedule; each time that something is done is in the audit trail.
    """
    from slipway.commands.changing.session import Options  # noqa: PLC0415 - the engine's SDK takes a second
    from slipway.commands.versions.adapt import adapt_models  # noqa: PLC0415

    options = Options(yes=yes, jobs=1)
    context = open_environment(environment, folders, ())
    adapt_models(context, models, requests, options, dry_run=dry_run, as_json=as_json)


@cli.command()
@ENVIRONMENT
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.models)
@REASON
@YES
@JOBS
@with_folders
def restart(environment: str, models: tuple[str, ...], reason: str, yes: bool, jobs: int, folders: Folders) -> None:
    """Replace the pods of models that serve, one after the other, and judge each model by its golden request.

    Releases, images and specs stay as they are.
    """
    from slipway.commands.changing.session import Options  # noqa: PLC0415 - as above
    from slipway.commands.versions.restart import restart_models  # noqa: PLC0415

    restart_models(open_environment(environment, folders, ()), models, reason, Options(yes=yes, jobs=jobs))


@cli.command()
@click.argument("first", metavar="ENV1", shell_complete=completion.environments)
@click.argument("second", metavar="ENV2", shell_complete=completion.environments)
@MODELS
@click.option("--again", is_flag=True, help="Deploy it also where its release was rolled back in ENV2.")
@YES
@with_folders
def promote(first: str, second: str, models: tuple[str, ...], again: bool, yes: bool, folders: Folders) -> None:
    """Deploy in ENV2 the image of each MODEL that serves and was judged right in ENV1, byte for byte.

    Images are copied, never built; the releases differ by settings only, which are shown before anything is changed.
    Refused where ENV1 runs something else than the files here say, or where ENV2 needs another image. Without MODEL,
    all that both have; those that ENV2 runs with an image of its own, or took back, are left alone.
    """
    from slipway.commands.changing.session import Options  # noqa: PLC0415 - the engine's SDK takes a second
    from slipway.commands.versions.promote import promote_models  # noqa: PLC0415

    options = Options(yes=yes, jobs=1, again=again)
    promote_models(first, second, models, lambda name, only: open_environment(name, folders, only), options)

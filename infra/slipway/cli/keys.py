"""Commands about who calls the models of an environment, and what they say of answers: keys, usage, quality."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JSON, open_environment, with_settings
from slipway.reading.folders import Folders

_DAY = click.DateTime(["%Y-%m-%d"])
_TERMS = (
    click.option("--roles", default="predict", show_default=True, help="Of predict, feedback, samples, usage, admin."),
    click.option("--expires", help="How long it is valid, for example 90d or 12h; else until it is revoked."),
    click.option("--rate", help="Most calls per second or minute, for example 100/s or 600/min."),
    click.option("--budget", help="Most calls or dollars per day or month, for example 1000/month or 20usd/month."),
)


def _terms(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of what a key allows, and pass it `terms` instead of them."""

    def run(
        roles: str,
        expires: str | None,
        rate: str | None,
        budget: str | None,
        **rest: Any,
    ) -> None:
        from slipway.commands.changing.keys import Terms  # noqa: PLC0415

        command(terms=Terms(roles, expires, rate, budget), **rest)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    for option in reversed(_TERMS):
        run = option(run)
    return run


@cli.group()
def keys() -> None:
    """Keys of clients that call models through the gateway, and requests for such keys."""


@keys.command("create")
@ENVIRONMENT
@click.option("--name", required=True, help="Who calls with it, for people.")
@click.option("--models", "scopes", required=True, help="Models that it may call, with commas between; `*` for all.")
@_terms
@JSON
@with_settings
def create(environment: str, name: str, scopes: str, terms: Any, as_json: bool, folders: Folders) -> None:
    """Create a key and print it: the key alone on standard output, this once."""
    from slipway.commands.changing.keys import create_key  # noqa: PLC0415 - the cluster's SDK takes half a second

    create_key(open_environment(environment, folders, ()), name, scopes, terms, as_json=as_json)


@keys.command("list")
@ENVIRONMENT
@JSON
@with_settings
def list_all(environment: str, as_json: bool, folders: Folders) -> None:
    """List keys: id, models, roles, limits, expiry. The keys themselves are kept nowhere."""
    from slipway.commands.inspecting.keys import list_keys  # noqa: PLC0415

    list_keys(open_environment(environment, folders, ()), as_json=as_json)


@keys.command("rotate")
@ENVIRONMENT
@click.argument("key", metavar="ID")
@click.option(
    "--grace", default="1h", show_default=True, help="How long the old key stays valid, for example 1h or 7d."
)
@JSON
@with_settings
def rotate(environment: str, key: str, grace: str, as_json: bool, folders: Folders) -> None:
    """Create the successor of a key, with the same models, limits and budget, and print it."""
    from slipway.commands.changing.keys import rotate_key  # noqa: PLC0415

    rotate_key(open_environment(environment, folders, ()), key, grace, as_json=as_json)


@keys.command("revoke")
@ENVIRONMENT
@click.argument("key", metavar="ID")
@with_settings
def revoke(environment: str, key: str, folders: Folders) -> None:
    """Revoke a key: calls with it are refused within seconds."""
    from slipway.commands.changing.keys import revoke_key  # noqa: PLC0415

    revoke_key(open_environment(environment, folders, ()), key)


@keys.command("requests")
@ENVIRONMENT
@JSON
@with_settings
def requests(environment: str, as_json: bool, folders: Folders) -> None:
    """List requests for access that clients made on the page."""
    from slipway.commands.inspecting.keys import list_requests  # noqa: PLC0415

    list_requests(open_environment(environment, folders, ()), as_json=as_json)


@keys.command("approve")
@ENVIRONMENT
@click.argument("request", metavar="ID")
@_terms
@with_settings
def approve(environment: str, request: str, terms: Any, folders: Folders) -> None:
    """Approve a request: its client collects the key on the page, and nobody else sees it."""
    from slipway.commands.changing.keys import approve_request  # noqa: PLC0415

    approve_request(open_environment(environment, folders, ()), request, terms)


@keys.command("refuse")
@ENVIRONMENT
@click.argument("request", metavar="ID")
@with_settings
def refuse(environment: str, request: str, folders: Folders) -> None:
    """Refuse a request."""
    from slipway.commands.changing.keys import refuse_request  # noqa: PLC0415

    refuse_request(open_environment(environment, folders, ()), request)


@cli.command()
@ENVIRONMENT
@click.option("--from", "first", type=_DAY, help="First day, in UTC; else the first of this month.")
@click.option("--to", "last", type=_DAY, help="Last day, in UTC; else today.")
@click.option("--by", default="key,model", show_default=True, help="What is summed by: of key, model, day.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "cloudevents", "lago"]),
    default="table",
    show_default=True,
    help="How it is printed; cloudevents (as OpenMeter takes them) and lago: one JSON object per call, a line each.",
)
@click.option("--statement", metavar="KEY", help="The statement of one key, by its id, for one month.")
@click.option("--month", help="The month of the statement, for example 2026-11; else this month.")
@with_settings
def usage(
    environment: str,
    first: datetime | None,
    last: datetime | None,
    by: str,
    form: str,
    statement: str | None,
    month: str | None,
    folders: Folders,
) -> None:
    """Show what was called through the gateway and what it costs, or a key's monthly statement."""
    from slipway.commands.inspecting.usage import show_statement, show_usage  # noqa: PLC0415

    if statement is None and month is not None:
        raise click.UsageError("--month is for --statement; next: add --statement KEY, or use --from and --to")
    if statement is not None and (first or last):
        raise click.UsageError("--from and --to are not for --statement; next: use --month")
    context = open_environment(environment, folders, ())
    if statement is not None:
        show_statement(context, statement, month, form)
    else:
        show_usage(context, _day(first), _day(last), by, form)


@cli.command()
@ENVIRONMENT
@click.argument("model", metavar="MODEL")
@click.option("--version", help="Of this version alone; else of each that has feedback.")
@click.option("--window", help="The feedback of so long, for example 12h or 7d, or the last so many, for example 1000.")
@JSON
@with_settings
def quality(
    environment: str, model: str, version: str | None, window: str | None, as_json: bool, folders: Folders
) -> None:
    """Show how good a model's answers were, by the feedback on them."""
    from slipway.commands.inspecting.quality import show_quality  # noqa: PLC0415

    show_quality(open_environment(environment, folders, ()), model, version, window, as_json=as_json)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None

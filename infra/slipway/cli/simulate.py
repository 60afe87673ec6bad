"""The command that replays a trace of requests: simulate."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pydantic_core import PydanticCustomError

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JSON, open_environment, with_folders
from slipway.commands.project import completion
from slipway.reading.folders import Folders


class _Parsed(click.ParamType[Any]):
    """An option that a parser of the specs reads."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the parser makes of the text, or say what it refuses."""
        if not isinstance(value, str):
            return value
        from slipway.simulation.service_time import parse_service_time  # noqa: PLC0415 - numpy is not for `--help`
        from slipway.values.quantities import parse_seconds  # noqa: PLC0415

        parse: Callable[[str], object] = parse_service_time if self.name == "time[,variation]" else parse_seconds
        try:
            return parse(value)
        except PydanticCustomError as error:
            said = error.context or {}
            return self.fail(
                f"{value!r} {error.message()}; allowed: {said['allowed']}; next: {said['todo']}", param, ctx
            )


_TIME = _Parsed("time")
_FILE = click.Path(path_type=Path, dir_okay=False)


@cli.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.option("--trace", type=_FILE, required=True, help="CSV (time, duration_ms, count) or access log; .gz too.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="SIGNAL=VALUE",
    help="Another target, p95_ms=80; several are compared.",
)
@click.option("--min", "least", type=click.IntRange(1, 1000), help="Another scale.min.")
@click.option("--max", "most", type=click.IntRange(1, 1000), help="Another scale.max.")
@click.option(
    "--service-time",
    type=_Parsed("time[,variation]"),
    help="Time that a replica takes for a request, 20ms, or 20ms,0.5 with its standard deviation over its mean; else "
    "what requests took in the quietest times of the trace.",
)
@click.option("--cold-start", "cold_start_s", type=_TIME, help="Time until a new replica answers; else the estimate.")
@click.option("--slo", "objective_s", type=_TIME, help="Count answers within this time; else within a target of time.")
@click.option("--interval", "interval_s", type=_TIME, help="Length of a row; else as fits on a screen.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of all that is left to chance.")
@click.option("--png", type=_FILE, help="Draw requests, replicas and p95 to this file.")
@click.option("--html", type=_FILE, help="Write a page with picture and tables to this file.")
@JSON
@with_folders
def simulate(environment: str, model: str, as_json: bool, folders: Folders, **options: Any) -> None:
    """Replay a trace of requests through the rules of MODEL: replicas, latency, lost requests and cost over time.

    No cluster is asked. Rows of the trace are requests at a time, in any order; of a gateway's log, those of MODEL.
    """
    from slipway.commands.inspecting.simulate import Wanted  # noqa: PLC0415 - numpy is not for `--help`
    from slipway.commands.inspecting.simulate import simulate as run  # noqa: PLC0415

    run(open_environment(environment, folders, [model]), model, Wanted(**options), as_json=as_json)

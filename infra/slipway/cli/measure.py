"""The command that runs a model under limits and loads it: measure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pydantic_core import PydanticCustomError

from slipway.cli.group import cli
from slipway.cli.options import JSON, open_environment, with_folders
from slipway.commands.project import completion
from slipway.reading.folders import Folders


class _Quantity(click.ParamType[Any]):
    """An option with a unit, which a parser of the specs reads."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the parser makes of the text, or say what it refuses."""
        if not isinstance(value, str):
            return value
        from slipway.values import quantities  # noqa: PLC0415 - not for `--help`

        parsers: dict[str, Callable[[object], Any]] = {
            "cpu": quantities.parse_cpu,
            "memory": quantities.parse_bytes,
            "time": quantities.parse_seconds,
        }
        try:
            return parsers[self.name](value)
        except PydanticCustomError as error:
            said = error.context or {}
            text = f"{value!r} {error.message()}; allowed: {said['allowed']}; next: {said['todo']}"
            return self.fail(text, param, ctx)


@cli.command()
@click.argument("model", required=False, shell_complete=completion.models)
@click.option(
    "--environment",
    default="local",
    show_default=True,
    metavar="ENV",
    shell_complete=completion.environments,
    help="Whose spec, base image and limits are measured; nothing is asked of it but its registry.",
)
@click.option(
    "--cpu",
    "cpus",
    multiple=True,
    type=_Quantity("cpu"),
    help="CPU of a replica to try, such as 500m; several are compared. Else that of the spec, twice and four times it.",
)
@click.option(
    "--memory",
    "memories",
    multiple=True,
    type=_Quantity("memory"),
    help="Memory of a replica to try, such as 256Mi; several are compared. Else that of the spec.",
)
@click.option(
    "--seconds", type=click.FloatRange(0.5, 300), default=4.0, show_default=True, help="Length of each piece of load."
)
@click.option(
    "--within", "within_s", type=_Quantity("time"), help="What 95 of 100 requests may take; else by the spec's target."
)
@click.option(
    "--as",
    "way",
    type=click.Choice(["image", "process"]),
    help="Run the model's image in a container, or its server as a process under the same limits; else what this "
    "machine can, an image first.",
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with picture and tables.")
@click.option("--write", is_flag=True, help="Write what is proposed into the spec.")
@click.option("--show", is_flag=True, help="Measure nothing: print what was kept, of MODEL or the matrix of all.")
@JSON
@with_folders
def measure(model: str | None, environment: str, show: bool, as_json: bool, folders: Folders, **options: Any) -> None:
    """Run MODEL under the limits of a replica, load it with its golden request, and propose what its spec should say.

    Found are its start, memory, time of a request and requests a second at the knee, for each pair of limits; they are
    kept in models/MODEL.measured.json. No cluster is asked.
    """
    from slipway.commands.measuring import measure as commands  # noqa: PLC0415 - numpy is not for `--help`

    if show:
        commands.show(folders.models, model, as_json=as_json)
        return
    if model is None:
        raise click.UsageError("Missing argument 'MODEL': name the model to measure, or add --show")
    context = open_environment(environment, folders, [model])
    commands.measure(context, model, commands.Wanted(**options), as_json=as_json)

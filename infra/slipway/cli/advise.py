"""Commands that help to decide: advise, compare."""

from pathlib import Path
from typing import Any

import click
from pydantic_core import PydanticCustomError

from slipway.cli.group import cli
from slipway.cli.options import JSON, with_folders
from slipway.commands.project import completion
from slipway.reading.folders import Folders

_HTML = click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with pictures (extra `plot`)."
)


class _Amount(click.ParamType[float]):
    """An option with a number in a range, whole or not."""

    name = "number"

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or say what is allowed."""
        from slipway.values.quantities import number_between  # noqa: PLC0415 - not for `--help`

        try:
            number = float(value)
        except ValueError:
            allowed = f"a number from {self._least:g} to {self._most:g}"
            return self.fail(f"{value!r} is no number; allowed: {allowed}; next: write for example 10", param, ctx)
        try:
            return number_between(self._least, self._most, "10")(number)
        except PydanticCustomError as error:
            said = error.context or {}
            text = f"{value!r} {error.message()}; allowed: {said['allowed']}; next: {said['todo']}"
            return self.fail(text, param, ctx)


class _Processing(click.ParamType[tuple[str, float]]):
    """An option as `T4=40`, or as `40` for any accelerator."""

    name = "[accelerator=]ms"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Return the accelerator, empty for any, and milliseconds; or say what is allowed."""
        from slipway.catalog.aws import catalogue  # noqa: PLC0415 - not for `--help`

        accelerator, equals, ms = str(value).rpartition("=")
        gpus = {gpu for file in catalogue().files for gpu in file.gpu_tflops}
        known = sorted({"cpu", "graviton", *gpus})
        found = next((name for name in known if name.lower() == accelerator.strip().lower()), None)
        if equals and found is None:
            text = f"{accelerator!r} is not an accelerator; allowed: {', '.join(known)}; next: write for example T4=40"
            return self.fail(text, param, ctx)
        return found or "", _MS.convert(ms, param, ctx)


def _regions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Regions as specs name them: a slip of the finger would refuse every location."""
    from slipway.spec.residency import REGION  # noqa: PLC0415 - not for `--help`

    for value in values:
        if not REGION.fullmatch(value):
            raise click.BadParameter(f"{value!r} is no region; allowed: as in eu-central-1; next: correct it")
    return values


_MS = _Amount(0.001, 86_400_000)
_MB = _Amount(0.000001, 1024)


@cli.command()
@click.argument("model", shell_complete=completion.models)
@click.option("--latency-ms", type=_MS, help="Most milliseconds of a request, its way included; else slo.p95_ms.")
@click.option("--request-mb", type=_MB, help="Megabytes of a request; else endpoint.expected, else the golden one's.")
@click.option("--answer-mb", type=_MB, help="Megabytes of an answer; else endpoint.expected, else as a request.")
@click.option("--bandwidth-mbps", type=_Amount(0.001, 1_000_000), help="Megabits a second to a client; else 100.")
@click.option("--rps", type=_Amount(0.000001, 10_000_000), help="Requests a second; else endpoint.expected, else 1.")
@click.option("--budget", "budget_usd", type=_Amount(0, 1_000_000_000), help="Most dollars a month of the model.")
@click.option(
    "--residency",
    multiple=True,
    metavar="REGION",
    callback=_regions,
    help="Region that its data may be in; may be repeated. Else data.region.",
)
@click.option("--private", is_flag=True, help="Nothing of it may be reached from the internet.")
@click.option(
    "--processing-ms",
    "processing",
    type=_Processing(),
    multiple=True,
    help="Milliseconds of one request on a whole accelerator, as T4=40 or cpu=300; on GPUs that are not named "
    "by their FP16 rates. Else what `slipway measure` found.",
)
@click.option("--node-usd", type=_Amount(0, 100_000), help="Dollars an hour of nodes whose price nobody knows.")
@_HTML
@JSON
@with_folders
def advise(
    model: str,
    processing: tuple[tuple[str, float], ...],
    html: Path | None,
    as_json: bool,
    folders: Folders,
    **needs: Any,
) -> None:
    """Rank the node pools of all environments for MODEL by what it is needed for.

    What is feasible comes first, then what answers fastest for a dollar. Each number says whether it was measured, is
    of the catalogue, was given, or is assumed. No cluster is asked; nothing is changed.
    """
    from slipway.advice.needs import Asked  # noqa: PLC0415 - onnx is not for `--help`
    from slipway.commands.inspecting.advise import show_advice  # noqa: PLC0415

    asked = Asked(processing_ms=dict(processing), **needs)
    show_advice(model, folders, asked, html, as_json=as_json)


@cli.command()
@click.argument("model", shell_complete=completion.models)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--environment", metavar="ENV", shell_complete=completion.environments, help="Whose prices count for versions."
)
@_HTML
@JSON
@with_folders
def compare(
    model: str, names: tuple[str, ...], environment: str | None, html: Path | None, as_json: bool, folders: Folders
) -> None:
    """Show versions of MODEL side by side: quality, p95, dollars, memory and size.

    NAME is a version of the files or of a history, an environment, or `source`: the weights that the steps of its lock
    began with. What is not known is `unknown`. No cluster is asked; nothing is changed.
    """
    from slipway.commands.artifacts.compare import show_compared  # noqa: PLC0415 - onnx is not for `--help`

    show_compared(model, names, environment, folders, html, as_json=as_json)

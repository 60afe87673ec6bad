"""Run `advise`: where a model would run best of all node pools that the settings have."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from slipway import console
from slipway.advice import shown
from slipway.advice.chart import draw
from slipway.advice.locations import Location, locations_of
from slipway.advice.needs import Asked
from slipway.advice.ranking import Advice, advise, ranked
from slipway.commands.inspecting.one_model import load_named
from slipway.errors.base import FileRefused, UserError, UserErrors, each
from slipway.loading.settings import SettingsFile, environments, read_settings
from slipway.loading.specs import LoadedSpec
from slipway.measuring.findings import Finding
from slipway.measuring.kept import measured_path, read
from slipway.planner.price import today
from slipway.reading.folders import Folders
from slipway.simulation.chart import require
from slipway.simulation.page import page


def show_advice(model: str, folders: Folders, asked: Asked, html: Path | None, *, as_json: bool) -> None:
    """Print the ranking of all locations for a model, what is refused and why; nothing is asked but files.

    Args:
        model: its name.
        folders: where specs and settings are.
        asked: what it is needed for, beyond what its spec says.
        html: where the page goes; None for none.
        as_json: one document instead of tables.

    Raises:
        UserErrors: what is wrong in the model's spec, or in all settings.
        UnknownName: no spec has that name.
        FileRefused: the page cannot be written, or what was measured cannot be read.
    """
    if html is not None:
        require("--html")
    spec, others = load_named(model, folders)
    kept = read(measured_path(folders.models, model))
    findings: Sequence[Finding] = kept.findings if kept is not None else ()
    there = list(_locations(folders, spec, others))
    advice = ranked([advise(location, findings, asked) for location in there])
    notes = list(shown.notes(model, advice))
    tables = (shown.ranking(advice), shown.refusals(advice), shown.elsewhere(advice), shown.sources(advice))
    if html is not None:
        best = _best(advice)
        save(html, page(f"Where {model} runs best", [best, *notes], draw(advice), tables))
    if as_json:
        console.document({"model": model, "advice": [one.to_json() for one in advice]})
        return
    for _, columns, rows in tables[:3]:
        if rows:
            console.table(columns, rows)
            console.result("")
    for line in (_best(advice), *notes):
        console.result(line)


def save(path: Path, text: str) -> None:
    """Write a page; raises FileRefused for a file that cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(path), problem, "a file in a folder that is there", "name another with --html") from None
    console.message(f"wrote {path}")


def _best(advice: Sequence[Advice]) -> str:
    """What comes first, in a sentence."""
    first = advice[0]
    if first.refused is not None:
        return "no location is feasible"
    proven = "" if not first.unproven else ", if what is not known of it turns out well"
    return f"best: {first.location.name}{proven}"


def _locations(folders: Folders, model: LoadedSpec, others: Sequence[LoadedSpec]) -> Iterator[Location]:
    """The locations of every environment whose settings are right; of the others the first finding is said."""
    names = environments(folders.settings)
    wrong: list[UserError] = []
    for name in names:
        try:
            file = read_settings(folders.settings, name)
        except UserError as error:
            wrong.append(error)
            console.message(f"warning: {name} is left out: {each(error)[0]}")
            continue
        deployed = [one for one in others if _deployed(file, one)]
        yield from locations_of(name, file.settings, model, deployed, today())
    if len(wrong) == len(names):
        if wrong:
            raise UserErrors(wrong)
        problem, allowed = "has no settings of an environment", "a Pulumi.<environment>.yaml per environment"
        raise FileRefused(str(folders.settings), problem, allowed, "write one, or name the folder with --settings")


def _deployed(file: SettingsFile, spec: LoadedSpec) -> bool:
    return file.settings.model_names is None or spec.name in file.settings.model_names

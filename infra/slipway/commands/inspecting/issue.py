"""Write the issue about a run of a workflow that failed: which jobs, and what each of them said last."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from slipway.errors.base import FileRefused, Place, WrongValue
from slipway.preview.quoted import block, cell, code

LIMIT = 60_000
"""Characters. GitHub takes 65,536 of an issue."""

State = Literal["open", "closed", "unchanged"]
_LINE = 400
_LINES = (200, 100, 40, 10, 1)
"""How many of a report's last lines are shown: the first of these with which all fits."""
_MOST_JOBS = 30
_NAME = re.compile(r"[a-z][a-z0-9-]{0,99}")
_URL = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._/-]+")
_READ = 1 << 20
"""Bytes of a report that are read, from its end."""


class _Job(BaseModel):
    """One job of GitHub's `needs`; its outputs are not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    result: Literal["success", "failure", "cancelled", "skipped", ""]
    """Empty where it was skipped, too: so act says it."""


_RESULTS = TypeAdapter(Annotated[dict[str, _Job], Field(min_length=1, max_length=_MOST_JOBS)])


def marker(workflow: str) -> str:
    """First line of the issue, by which a workflow finds the one that it writes anew."""
    return f"<!-- slipway-issue: {workflow} -->"


def write_issue(workflow: str, results: str, url: str, reports: Path | None, output: Path) -> State:
    """Write an issue's text about a run, and say whether there should be one.

    Args:
        workflow: its name.
        results: what became of its jobs, by name: JSON, as GitHub's `toJSON(needs)`.
        url: of the run.
        reports: folder of what jobs said, each in a file named as the job (dev.txt). One that is not there has none.
        output: the file to write; none is written unless the issue should be open.

    Raises:
        WrongValue: `workflow`, `results` or `url` is not what it should be.
        FileRefused: a file cannot be read or written.
    """
    jobs = _read_results(results)
    _refuse_unlike(_NAME, "command line", "WORKFLOW", workflow, "lowercase letters, digits and dashes")
    _refuse_unlike(_URL, "--run", "URL", url, "https://HOST/PATH")
    if "failure" not in jobs.values():
        return "unchanged" if "cancelled" in jobs.values() else "closed"
    files = sorted(reports.glob("*.txt")) if reports is not None else []
    said = {path.stem: _last(path) for path in files if jobs.get(path.stem) == "failure"}
    text = ""
    for lines in _LINES:
        text = "\n".join(_text(workflow, jobs, url, said, lines)) + "\n"
        if len(text) <= LIMIT:
            break
    try:
        output.write_text(text)
    except OSError as error:
        raise FileRefused(
            str(output), f"cannot be written: {error.strerror}", "a file in a folder of yours", "name another"
        ) from None
    return "open"


def _refuse_unlike(form: re.Pattern[str], place: str, field: str, value: str, allowed: str) -> None:
    """What goes into the issue outside of code is of a form in which nothing is markup."""
    if not form.fullmatch(value):
        raise WrongValue(Place(place), field, value, "has another form", allowed, "give the one that GitHub names")


def _read_results(text: str) -> dict[str, str]:
    try:
        return {name: job.result or "skipped" for name, job in _RESULTS.validate_json(text).items()}
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
        allowed = 'an object like {"dev": {"result": "failure"}}'
        raise WrongValue(
            Place("--results"), "JSON", text, problem, allowed, "give what GitHub's toJSON(needs) gives"
        ) from None


def _last(path: Path) -> list[str]:
    """The last lines of a report."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ))
            data = file.read(_READ)
    except OSError as error:
        raise FileRefused(
            str(path), f"cannot be read: {error.strerror}", "a file that a job wrote", "leave it out"
        ) from None
    return ["".join(c if c.isprintable() else " " for c in line) for line in data.decode(errors="replace").splitlines()]


def _text(workflow: str, jobs: Mapping[str, str], url: str, said: Mapping[str, list[str]], lines: int) -> Iterator[str]:
    failed = [name for name, result in jobs.items() if result == "failure"]
    yield marker(workflow)
    yield f"{code(workflow, _LINE)} failed: {', '.join(code(name, _LINE) for name in failed)}. Its run: <{url}>"
    yield ""
    yield "| job | result |"
    yield "| --- | --- |"
    yield from (f"| {cell(name)} | {result} |" for name, result in jobs.items())
    for name in failed:
        yield ""
        report = said.get(name)
        if not report:
            yield f"{code(name, _LINE)} left no report: it failed before it did anything, or its runner was lost."
            continue
        yield f"The last that {code(name, _LINE)} said:"
        yield ""
        yield from block(line[:_LINE] for line in report[-lines:])
    yield ""
    yield "The next run that goes well closes this issue."

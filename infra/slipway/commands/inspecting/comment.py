"""Write the comment of a pull request: what two snapshots of all environments differ in, as GitHub's Markdown.

Nothing in a snapshot is trusted, since a pull request may come from a stranger: each of its texts is put into a code
span, where GitHub reads no Markdown, HTML, mention, reference or link, and the whole is bounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from slipway.commands.inspecting.snapshot import EnvironmentSnapshot, ModelSnapshot, MonthlyUsd, Snapshot
from slipway.errors.base import FileRefused
from slipway.preview.quoted import CELL, cell, code
from slipway.reading.files import BadFile, open_regular

MARKER = "<!-- slipway-preview -->"
"""First line of the comment, by which a workflow finds the one that it writes anew."""

LIMIT = 65_536
"""Characters of a comment on GitHub (its API refuses more: "body is too long (maximum is 65536 characters)")."""

_READ_LIMIT = 16 * 2**20
_LINE = 600
_ROWS = (1000, 300, 100, 30, 10, 3, 0)
"""How many rows or findings of each kind are shown: the first number with which the whole fits."""

_KIND = "a snapshot, as `slipway snapshot` writes one"
_SAME = "unchanged"


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot that `slipway snapshot` wrote.

    Raises:
        FileRefused: it cannot be read, is longer than 16 MiB, or is no snapshot of a format that this version reads.
    """
    try:
        with open_regular(path, _KIND) as file:
            data = file.read(_READ_LIMIT + 1)
    except BadFile as error:
        raise FileRefused(str(path), error.problem, error.allowed, error.todo) from None
    todo = "write it again with the same version of slipway"
    if len(data) > _READ_LIMIT:
        raise FileRefused(str(path), "is longer than 16 MiB", _KIND, todo)
    try:
        return Snapshot.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise FileRefused(str(path), f"is no snapshot: {where}: {first['msg']}", _KIND, todo) from None


def comment(head: Snapshot, base: Snapshot | None, limit: int = LIMIT) -> str:
    """The comment, at most `limit` characters long.

    Args:
        head: what the pull request would make of all environments.
        base: what the branch has that it would be merged into; None: nothing is compared.
        limit: 2000 at least; rows and findings that do not fit are counted instead.
    """
    for rows in _ROWS:
        text = _text(head, base, rows, len(head.environments))
        if len(text) <= limit:
            return text
    # Thousands of environments: as many as fit, without their models.
    shown = len(head.environments)
    while shown and len(text) > limit:
        shown -= 1 + shown // 20
        text = _text(head, base, 0, shown)
    return text


def _text(head: Snapshot, base: Snapshot | None, rows: int, environments: int) -> str:
    before = {environment.name: environment for environment in base.environments} if base else {}
    after = {environment.name for environment in head.environments}
    parts = [MARKER, "## Slipway preview", ""]
    if base is None:
        parts += ["The base branch has no snapshot: nothing is compared.", ""]
    if head.refused:
        parts += [f"**Refused: {_counted(len(head.refused), 'finding')}**", ""]
        parts += [*_bullets(head.refused, rows, "findings"), ""]
    for environment in head.environments[:environments]:
        parts += [*_environment(environment, before.get(environment.name), base is not None, rows), ""]
    left = len(head.environments) - environments
    if left:
        parts += [f"{_counted(left, 'more environment')} not shown.", ""]
    gone = sorted(set(before) - after)
    if gone:
        parts += ["Settings removed, which destroys nothing by itself; `slipway down` does:", ""]
        parts += [*_bullets(gone, rows, "environments"), ""]
    return "\n".join(parts)


def _environment(
    after: EnvironmentSnapshot, before: EnvironmentSnapshot | None, compared: bool, rows: int
) -> Iterator[str]:
    yield f"### {code(after.name, CELL)}"
    yield ""
    if not after.planned:
        yield "Refused: not planned, see the findings."
        return
    known = compared and (before is None or before.planned)
    if compared and not known:
        yield "Refused on the base branch: nothing is compared."
        yield ""
    old = {model.name: model for model in before.models} if before else {}
    lines = list(_models(after, old, known))
    lines.sort(key=lambda line: line[0] == _SAME)  # stable: by name below that
    if lines[:rows]:
        yield "| release | model | version | pool | replicas | USD a month |"
        yield "| --- | --- | --- | --- | --- | --- |"
        yield from (f"| {' | '.join(line)} |" for line in lines[:rows])
        yield ""
    counts = {status: sum(line[0] == status for line in lines) for status in sorted({line[0] for line in lines})}
    summary = ", ".join(f"{count} {status}" for status, count in counts.items()) or "none"
    more = f" ({len(lines) - rows} not shown)" if len(lines) > rows else ""
    yield f"Models: {summary}{more}. {_total(after, before if known else None)}"
    judged = list(_judged(after, old, known))
    if judged:
        yield ""
        yield "Judged beside the release that serves:"
        yield ""
        yield from _bullets(judged, rows, "lines about rollouts")
    if after.warnings:
        yield ""
        yield f"{_counted(len(after.warnings), 'warning')}:"
        yield ""
        yield from _bullets(after.warnings, rows, "warnings")


def _models(
    after: EnvironmentSnapshot, old: Mapping[str, ModelSnapshot], known: bool
) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Cells of each model, of those that are gone too; the first is what becomes of its release."""
    for model in after.models:
        was = old.get(model.name) if known else None
        status = "new" if was is None else (_SAME if was.release == model.release else "**changed**")
        yield (
            status if known else "not compared",
            cell(model.name),
            _change(was.version if was else None, model.version),
            _change(was.pool if was else None, model.pool),
            _change(_replicas(was) if was else None, _replicas(model)),
            _usd(model.usd, was.usd if was else None),
        )
    if not known:
        return
    for name in sorted(set(old) - {model.name for model in after.models}):
        was = old[name]
        yield (
            "**removed**",
            cell(name),
            cell(was.version),
            cell(was.pool),
            cell(_replicas(was)),
            "-",
        )


def _judged(after: EnvironmentSnapshot, old: Mapping[str, ModelSnapshot], known: bool) -> Iterator[str]:
    """What is said of rollouts that would be judged: not of a new model's, which has nothing to be compared with."""
    for model in after.models:
        was = old.get(model.name)
        if not known or (was is not None and was.release != model.release):
            yield from (f"{model.name}: {line}" for line in model.rollout)


def _change(before: str | None, after: str) -> str:
    if before is None or before == after:
        return cell(after)
    return f"{cell(before)} → {cell(after)}"


def _replicas(model: ModelSnapshot) -> str:
    least, most = model.replicas_min, model.replicas_max
    return str(least) if least == most else f"{least}-{most}"


def _total(after: EnvironmentSnapshot, before: EnvironmentSnapshot | None) -> str:
    if after.usd is None:
        return "No price is known of this cluster."
    text = f"In all, USD {_usd(after.usd, before.usd if before else None)} a month"
    if after.budget_usd is None:
        return f"{text}."
    over = ", **above its budget**" if after.usd.max > after.budget_usd else ""
    return f"{text}; budget USD {after.budget_usd:,}{over}."


def _usd(after: MonthlyUsd | None, before: MonthlyUsd | None) -> str:
    """`12.00-36.00 (+2.00 to +6.00)`: with few and with many replicas, and the difference where there is one."""
    if after is None:
        return "-"
    text = _range(f"{after.min:,.2f}", f"{after.max:,.2f}", "-")
    if before is None or before == after:
        return text
    return f"{text} ({_range(f'{after.min - before.min:+,.2f}', f'{after.max - before.max:+,.2f}', ' to ')})"


def _range(least: str, most: str, between: str) -> str:
    return least if least == most else f"{least}{between}{most}"


def _bullets(texts: Sequence[str], rows: int, what: str) -> Iterator[str]:
    yield from (f"- {code(text, _LINE)}" for text in texts[:rows])
    if len(texts) > rows:
        yield f"- {len(texts) - rows} more {what} not shown"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"

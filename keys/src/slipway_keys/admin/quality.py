"""Tell how good a model's answers were, over a window that is asked for."""

from collections.abc import Mapping

from slipway_keys.admin.refusals import absent, wrong
from slipway_keys.database import quality
from slipway_keys.database.pool import Database
from slipway_keys.database.quality import MOST_CELLS, Asked, TooManyClassesError
from slipway_keys.rules.routes import Routes

MOST_LABELS = 100_000
_MOST_S = 366 * 86_400


async def measured(database: Database, rules: Routes, model: str, query: Mapping[str, str]) -> dict[str, object]:
    """The document about a model's quality.

    Args:
        database: of the feedback.
        rules: of all models.
        model: its name.
        query: `seconds` or `labels`: the window, else the model's own; `version`: the only one that is measured.

    Raises:
        Refused: nothing is kept of this model's answers, or the query is wrong.
    """
    sections = rules.measured()
    if model not in sections:
        allowed = ", ".join(sorted(sections)) or "none takes feedback yet"
        todo = "name one of them, or write `quality` into the model's spec and run `slipway up`"
        raise absent("model", model, "takes no feedback: its spec has no `quality`", allowed, todo)
    section = sections[model]
    seconds, labels = _number(query, "seconds", _MOST_S), _number(query, "labels", MOST_LABELS)
    if seconds is not None and labels is not None:
        raise wrong("labels", "stands beside `seconds`", "one of them")
    if labels is None:
        seconds = seconds or int(section.window_s)
    try:
        found = await quality.measure(database, model, section, Asked(seconds, labels, query.get("version")))
    except TooManyClassesError:
        problem = f"have more than {MOST_CELLS} different pairs of label and answer"
        raise wrong("labels", problem, "labels that are classes of the model, or a shorter window") from None
    return {
        "model": model,
        "task": section.task,
        "positive": section.positive,
        "window": {"seconds": seconds, "labels": labels},
        "versions": [one.to_json() for one in found],
    }


def _number(query: Mapping[str, str], name: str, most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        raise wrong(name, f"{text[:20]!a} is no such number", f"1 to {most}")
    return int(text)

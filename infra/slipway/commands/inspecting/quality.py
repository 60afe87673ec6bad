"""Show how good a model's answers were, by the feedback that the keys service has."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import Place, WrongValue
from slipway.values.windows import HOUR_S, UNITS_S

MEASURES = ("accuracy", "precision", "recall", "f1", "roc_auc", "rmse", "mae", "rating", "outcome")
CLASSES_SHOWN = 20
"""Of a table, and as many cells of the confusion matrix; `--json` has all."""
_WINDOW = re.compile(r"([1-9][0-9]{0,5})([hdw]?)")


def show_quality(
    context: EnvironmentContext, model: str, version: str | None, window: str | None, *, as_json: bool
) -> None:
    """Print measures of each version of a model that has feedback, or of one.

    Args:
        context: the environment.
        model: name of the model.
        version: the only one; None: each.
        window: `12h`, `7d`, `2w`, or a number of labels; None: that of the spec.
    """
    query = {} if window is None else _query(window)
    query |= {} if version is None else {"version": version}
    found = KeysAdmin(context.cluster, context.name).get(f"/admin/models/{model}/quality", query)
    if as_json:
        console.document({"environment": context.name, **found})
        return
    versions: Sequence[Mapping[str, Any]] = found["versions"]
    if not versions:
        console.result(f"no feedback on answers of {model} came in {_said(found['window'])}")
        return
    measures = [name for name in MEASURES if any(name in one["measures"] for one in versions)]
    columns = ["VERSION", "FEEDBACKS", "LABELS", *(name.upper().replace("_", " ") for name in measures)]
    rows = [
        [one["version"], str(one["feedbacks"]), str(one["labels"]), *(_number(one["measures"], n) for n in measures)]
        for one in versions
    ]
    console.table(columns, rows)
    for one in versions:
        _show_classes(one)


def _show_classes(one: Mapping[str, Any]) -> None:
    """Print what each class has, and what was taken for what most often; nothing for numbers."""
    classes: Sequence[Mapping[str, Any]] = one["classes"]
    if not classes:
        return
    often = sorted(classes, key=lambda each: (-each["support"], each["label"]))[:CLASSES_SHOWN]
    console.result("")
    console.result(f"version {one['version']}, by class" + _of_all(len(often), len(classes)))
    columns = ("CLASS", "LABELS", "PRECISION", "RECALL", "F1")
    rows = [
        [each["label"], str(each["support"]), *(f"{each[name]:.4f}" for name in ("precision", "recall", "f1"))]
        for each in often
    ]
    console.table(columns, rows)
    wrong = [cell for cell in one["confusion"] if cell["label"] != cell["predicted"]]
    if wrong:
        console.result("")
        console.result("taken for another" + _of_all(min(len(wrong), CLASSES_SHOWN), len(wrong)))
        cells = [[cell["label"], cell["predicted"], str(cell["times"])] for cell in wrong[:CLASSES_SHOWN]]
        console.table(("RIGHT WAS", "PREDICTED", "TIMES"), cells)


def _of_all(shown: int, there: int) -> str:
    return "" if shown == there else f" (the {shown} most frequent of {there}; --json has all)"


def _number(measures: Mapping[str, float | None], name: str) -> str:
    value = measures.get(name)
    return "-" if value is None else f"{value:.4f}" if abs(value) < 1e6 else f"{value:.6g}"


def _said(window: Mapping[str, int | None]) -> str:
    """A window in words."""
    seconds = window["seconds"]
    return f"the last {seconds / HOUR_S:g} hours" if seconds else f"the last {window['labels']}"


def _query(window: str) -> dict[str, str]:
    found = _WINDOW.fullmatch(window)
    if found is None:
        allowed = "whole hours, days or weeks (12h, 7d, 2w), or a number of feedbacks (1000)"
        raise WrongValue(Place("command line"), "--window", window, "is no window", allowed, "write for example 7d")
    if not found[2]:
        return {"labels": found[1]}
    return {"seconds": str(int(found[1]) * UNITS_S[found[2]])}

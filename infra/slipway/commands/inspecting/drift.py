"""Show how far what models were asked and answered is from what it was, as Prometheus recorded it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway import console
from slipway.cluster.prometheus import Prometheus, Silent
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.declared import declared
from slipway.environments.planning.kinds import planning
from slipway.errors.base import SlipwayError
from slipway.monitoring.drift import BOUND, DISTANCE, FIRST, LEAST_PSI, PROFILE, ROWS
from slipway.values.names import fitted

_REFUSAL = (
    "has no drift in its spec, so nothing is counted",
    "models with drift",
    "add drift to its spec (docs/how-to/drift.md), run slipway lock and slipway up",
)
STATISTICS = ("psi", "js", "ks")
REFERENCES = (PROFILE, FIRST)
_OUTSIDE, _MISSING = ("low", "high", "other"), ("missing",)
_SAID = {True: "drifted", False: "as before", None: "not known"}


@dataclass
class Held:
    """One feature of one version.

    Attributes:
        rows: of the window, by bin.
        distances: by reference and statistic.
        bounds: the same of what chance alone may make.
    """

    rows: dict[str, float] = field(default_factory=dict)
    distances: dict[tuple[str, str], float] = field(default_factory=dict)
    bounds: dict[tuple[str, str], float] = field(default_factory=dict)

    def share(self, bins: Sequence[str]) -> float | None:
        """That of some bins; None where there are no rows."""
        total = sum(self.rows.values())
        return sum(self.rows.get(name, 0.0) for name in bins) / total if total else None

    def drifted(self, reference: str) -> bool | None:
        """Whether the alert is about it; None where there were too few rows, or no such reference yet."""
        distance, bound = self.distances.get((reference, "psi")), self.bounds.get((reference, "psi"))
        return None if distance is None or bound is None else distance > bound and distance >= LEAST_PSI

    def to_json(self) -> dict[str, Any]:
        """As JSON values; null is unknown."""
        held = {
            reference: {
                "drifted": self.drifted(reference),
                **{
                    statistic: {
                        "distance": self.distances.get((reference, statistic)),
                        "bound": self.bounds.get((reference, statistic)),
                    }
                    for statistic in STATISTICS
                },
            }
            for reference in REFERENCES
        }
        outside, missing = self.share(_OUTSIDE), self.share(_MISSING)
        return {"rows": sum(self.rows.values()), "outside": outside, "missing": missing, **held}


def show_drift(context: EnvironmentContext, models: Sequence[str], *, as_json: bool) -> None:
    """Print each feature of models whose specs have drift, or of some; what nobody knows yet is said to be so.

    Raises:
        UnknownName: no spec has such a name here.
        UserError: a model that is named has no drift in its spec, or the environment has no monitoring.
        SlipwayError: Prometheus gives no answer.
    """
    watched = [model.name for model in declared(context, "drift", models, _REFUSAL)]
    found = _recorded(context, watched) if watched else {}
    rows = _documented(found)
    if as_json:
        console.document({"environment": context.name, "features": rows})
        return
    if not watched:
        console.result(f"no model of {context.name} has drift in its spec")
    silent = [model for model in watched if not any(model == key[0] for key in found)]
    if rows:
        _table(rows, found)
    for model in silent:
        console.result(f"{model}: nothing was counted yet")


def drifted_features(context: EnvironmentContext, model: str) -> list[dict[str, Any]]:
    """The features of one model, as `slipway drift --json` has them; raises `SlipwayError` without an answer."""
    return _documented(_recorded(context, [model]))


def _documented(found: Mapping[tuple[str, str, str], Held]) -> list[dict[str, Any]]:
    return [
        {"model": model, "version": version, "feature": feature, **held.to_json()}
        for (model, version, feature), held in sorted(found.items())
    ]


def _table(rows: Sequence[Mapping[str, Any]], found: Mapping[tuple[str, str, str], Held]) -> None:
    numbered = ("PSI", "BOUND", "JS", "KS", "OUTSIDE", "MISSING")
    columns = ["MODEL", "VERSION", "FEATURE", "ROWS", "AGAINST", *numbered, "SAYS"]
    lines = []
    for row, (_, held) in zip(rows, sorted(found.items()), strict=True):
        for reference in REFERENCES:
            of = row[reference]
            numbers = (of["psi"]["distance"], of["psi"]["bound"], of["js"]["distance"], of["ks"]["distance"])
            shown = ["-" if value is None else f"{value:.4f}" for value in numbers]
            shares = ["-" if value is None else f"{value:.1%}" for value in (row["outside"], row["missing"])]
            whose = [row["model"], row["version"], row["feature"], f"{row['rows']:.0f}", reference]
            lines.append([*whose, *shown, *shares, _SAID[held.drifted(reference)]])
    console.table(columns, lines)


def _recorded(context: EnvironmentContext, models: Sequence[str]) -> dict[tuple[str, str, str], Held]:
    """What Prometheus recorded, by model, version and feature."""
    monitoring = planning(context.settings).monitoring
    if monitoring is None:
        raise ValueError(f"{context.name} has drift and no monitoring, which is refused")
    prometheus = Prometheus(context.cluster, monitoring.prometheus)
    of = f'{{environment="{fitted(context.name)}",model=~"{"|".join(models)}"}}'
    found: dict[tuple[str, str, str], Held] = {}

    def held(labels: Mapping[str, str]) -> Held:
        return found.setdefault((labels["model"], labels["version"], labels["feature"]), Held())

    try:
        for labels, value in prometheus.samples(f"{ROWS}{of}"):
            held(labels).rows[labels["bin"]] = value
        for labels, value in prometheus.samples(f"{DISTANCE}{of}"):
            held(labels).distances[labels["reference"], labels["statistic"]] = value
        for labels, value in prometheus.samples(f"{BOUND}{of}"):
            held(labels).bounds[labels["reference"], labels["statistic"]] = value
    except Silent as silent:
        todo = "next: have the environment's Prometheus answer (slipway doctor), then run the command again"
        raise SlipwayError(f"drift is not known: {silent}; {todo}") from None
    return found

"""Print what the pods of a model log: the model server's lines of JSON for people, or as they are."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from slipway import console
from slipway.cluster.api import Cluster
from slipway.cluster.logs import log_of, shown
from slipway.commands.context import EnvironmentContext
from slipway.deploy.record import live_models
from slipway.errors.base import Place, UnknownName, WrongValue
from slipway.errors.failures import NoLog
from slipway.values.aliases import Json
from slipway.values.names import RELEASE_LABEL, candidate, selector
from slipway.values.quantities import parse_seconds

Which = Literal["new", "old"]
_LOOK_S = 2.0
"""From one look at the logs to the next, with --follow."""
_OVERLAP_S = 15.0
"""How far a look goes back: what it has in common with the one before is printed once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: see the options of `slipway logs`."""

    since_s: float | None
    previous: bool
    release: Which | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log, with the API server's time before it."""

    pod: str
    container: str
    text: str


def seconds(option: str, text: str) -> float:
    """`30s`, `15m` or `2h`, as seconds; raises `WrongValue`."""
    try:
        return max(1.0, parse_seconds(text))
    except ValueError:
        allowed = "a time with a unit (s, m, h), at most 24h"
        raise WrongValue(Place("command line"), option, text, "is no time", allowed, "write for example 1h") from None


def show_logs(context: EnvironmentContext, model: str, wanted: Wanted, *, follow: bool, as_json: bool) -> None:
    """Print the log of a model's pods, by time; with `follow` on and on, of pods that are new meanwhile, too.

    Raises:
        UnknownName: nothing of that name is live, and no spec has it.
        NoLog: it has no pods, or none that ever logged what is asked for.
    """
    cluster = context.cluster
    there = _there(context)
    if model not in there:
        raise UnknownName(Place(f"environment {context.name}"), "model", model, there, "name one of those")
    found = list(_lines(cluster, model, wanted))
    if not found and not follow:
        raise NoLog(model, *_why_not(cluster, model, wanted))
    for line in found:
        _print(line, as_json=as_json)
    while follow:
        time.sleep(_LOOK_S)
        seen = set(found)
        found = list(_lines(cluster, model, Wanted(_OVERLAP_S, previous=False, release=wanted.release)))
        for line in found:
            if line not in seen:
                _print(line, as_json=as_json)


def _there(context: EnvironmentContext) -> Sequence[str]:
    return sorted({*live_models(context.cluster), *(model.name for model in context.plan.models)})


def _pods(cluster: Cluster, model: str, release: Which | None) -> list[Json]:
    """The pods of a model; `new` are those of its newest release, be it judged beside the old one or rolled out."""
    own, judged = (cluster.list("Pod", _labels(selector(name))) for name in (model, candidate(model)))
    if release is None:
        return [*own, *judged]
    if judged:
        return judged if release == "new" else own
    deployment = cluster.read("Deployment", model)
    newest = _release(deployment) if deployment is not None else None
    return [pod for pod in own if (_release(pod) == newest) == (release == "new")]


def _release(item: Json) -> str | None:
    release: str | None = item["metadata"].get("labels", {}).get(RELEASE_LABEL)
    return release


def _labels(wanted: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in wanted.items())


def _lines(cluster: Cluster, model: str, wanted: Wanted) -> list[Line]:
    """What there is, by time: each line begins with one, in the same form."""
    return sorted(_unsorted(cluster, model, wanted), key=lambda line: line.text.partition(" ")[0])


def _unsorted(cluster: Cluster, model: str, wanted: Wanted) -> Iterator[Line]:
    for pod in _pods(cluster, model, wanted.release):
        name = pod["metadata"]["name"]
        spec = pod.get("spec", {})
        for container in [*spec.get("initContainers", []), *spec.get("containers", [])]:
            of = container["name"]
            for text in log_of(cluster, name, of, since_s=wanted.since_s, previous=wanted.previous) or ():
                yield Line(name, of, text)


def _why_not(cluster: Cluster, model: str, wanted: Wanted) -> tuple[str, str]:
    """Why there is no line, and what to do."""
    if not cluster.list("Pod", _labels(selector(model))):
        return "it has no pods", "slipway status shows whether it sleeps or was never deployed"
    if wanted.release is not None and not _pods(cluster, model, wanted.release):
        return f"it has no pods of its {wanted.release} release", "leave --release out: one release has all pods"
    if wanted.previous:
        return "no container of its pods was restarted", "leave --previous out"
    if wanted.since_s is not None:
        return f"its pods logged nothing in the last {console.duration(wanted.since_s)}", "give a longer --since"
    return "its pods logged nothing yet", "slipway status shows how far they are"


def _print(line: Line, *, as_json: bool) -> None:
    at, _, text = line.text.partition(" ")
    if as_json:
        console.result(json.dumps({"time": at, "pod": line.pod, "container": line.container, "log": _value(text)}))
        return
    at, words = shown(line.text)
    console.result(f"{at}  {line.pod}/{line.container}  {words}")


def _value(text: str) -> object:
    """A line of JSON as what it says; any other as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text

"""Say of each live model whether an update deploys it anew, whose change that is, and where its objects then differ.

The record of a model has its manifests, and a note of what they were made from: when nothing that people wrote is
otherwise, a newer Slipway alone makes another release of it.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slipway_server.values.text import shortened

from slipway.deploy.ports import ClusterApi
from slipway.deploy.record import Live, saved
from slipway.deploy.way_in import without_way_in
from slipway.errors.base import DeployError, shown
from slipway.errors.failures import RecordRefused
from slipway.history.held_back import HeldBack
from slipway.plan.model import ModelPlan
from slipway.plan.release import Origin, Release
from slipway.render.model import render_model
from slipway.render.objects import UNRECORDED
from slipway.values.names import RELEASE_LABEL, short
from slipway.values.quantities import compact_json

LINES_MOST = 6
"""Differences of one model that people are shown; the rest is counted."""
LISTED_MOST = 200
"""Differences of one model in a JSON document."""
_VALUE_MOST = 60
_WRITTEN = {"spec": "its spec", "files": "its weights or golden request", "settings": "the environment's settings"}
_PATH_MOST = 200
DOCUMENT = "data.server.json"
"""Of the ConfigMap: the model server's configuration, itself JSON."""
WHOLE = (".check.request", ".check.expect")
"""Of that: the golden request and its answer, told as a whole and never shown: they may be somebody's data."""
_OF_EACH_RELEASE = (f"labels.{RELEASE_LABEL}", "labels.app.kubernetes.io/version", "].image")
PRIVATE = re.compile(r"check\.|secret|token|password|passphrase|credential|api_?key", re.IGNORECASE)
"""Where texts are not shown."""
_FIRST = ("Deployment", "ConfigMap")
_OTHER_IMAGE = "image: made of other files, packages or base"


@dataclass(frozen=True, slots=True)
class Change:
    """What an update does to one model.

    Attributes:
        model: its name.
        release: short digest of the release that is live, and of the planned one; None where there is none.
        version: semantic version of the two.
        does: `new`, `changed`, `unchanged`, `held back` (which needs --again), or `removed` (which needs --prune).
        why: whose change it is, as the end of a sentence; empty where there is nothing to say.
        differences: where the objects differ, one line each: `Deployment spec.replicas: 1 -> 2`.
    """

    model: str
    release: tuple[str | None, str | None]
    version: tuple[str | None, str | None]
    does: str
    why: str = ""
    differences: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """For people: a line about the model, then some of the differences."""
        before, after = self.release
        of = f"release {before} -> {after}" if self.does in ("changed", "held back") else f"release {after or before}"
        yield f"{self.model}: {self.does}, {of}"
        yield from (f"  {line}" for line in self.reasons())

    def reasons(self) -> Iterator[str]:
        """For people: whose change it is, and some of the differences."""
        if self.why:
            yield self.why
        yield from told(self.differences)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; the first of the differences, and how many there are."""
        return asdict(self) | listed(self.differences)


def told(differences: Sequence[str]) -> Iterator[str]:
    """Some differences, for people, and how many more there are."""
    yield from differences[:LINES_MOST]
    if len(differences) > LINES_MOST:
        yield f"and {len(differences) - LINES_MOST} more"


def listed(differences: Sequence[str]) -> dict[str, Any]:
    """The first of the differences, and how many there are, as JSON values."""
    return {"differences": list(differences[:LISTED_MOST]), "differenceCount": len(differences)}


def changes(cluster: ClusterApi, models: Sequence[ModelPlan], live: Mapping[str, Live]) -> list[Change]:
    """What an update does to each of the models; those that are live and in no plan are not among them.

    Reads one record for each model that changes.
    """
    return [_change(cluster, model, live.get(model.name)) for model in models]


def new(model: ModelPlan) -> Change:
    """A model that is not live yet."""
    return Change(model.name, (None, model.release), (None, model.version), "new")


def removed(live: Live) -> Change:
    """What is live and has no spec any more."""
    return Change(
        live.model,
        (live.release, None),
        (live.version, None),
        "removed",
        "it has no spec: `up` leaves it alone, `up --prune` destroys it",
    )


def _change(cluster: ClusterApi, model: ModelPlan, live: Live | None) -> Change:
    if live is None:
        return new(model)
    release, version = (live.release, model.release), (live.version, model.version)
    if (held := live.holds_back(model.release)) is not None:
        return Change(model.name, release, version, "held back", left_alone(model, held))
    if live.release == model.release:
        again = "" if live.serves_verified else "`up` deploys it again: it does not serve, or was never judged right"
        return Change(model.name, release, version, "unchanged", again)
    try:
        before = saved(cluster, model.name)
    except RecordRefused:
        return Change(model.name, release, version, "changed", "why is not known: its record cannot be read")
    if before is None or short(before.digest) != live.release:
        return Change(model.name, release, version, "changed", "why is not known: what is live was never judged right")
    return Change(model.name, release, version, "changed", why(before.origin, model.origin), differences(before, model))


class RolledBack(DeployError):
    """Somebody rolled a release back while a run was about to deploy it. Nothing was changed."""

    def __init__(self, model: ModelPlan, held: HeldBack) -> None:
        super().__init__(f"model {model.name}: {left_alone(model, held)}")


def left_alone(model: ModelPlan, held: HeldBack) -> str:
    """Why `up` leaves a planned release alone, and how to go on."""
    return (
        f"`up` leaves release {model.release} alone: {held.said()}; next: change its spec, or deploy it again with "
        f"`slipway up {model.environment} {model.name} --again`"
    )


def why(before: Origin | None, now: Origin) -> str:
    """Whose change makes another release of a model, as the end of a sentence."""
    if before is None:
        return "why is not known: its record is of a Slipway that noted no origin"
    yours = _yours(before, now)
    newer, older = f"by Slipway {now.slipway}", f"(it was made by {before.slipway})"
    upgraded = before.slipway != now.slipway
    if yours:
        return f"changed by you ({', '.join(yours)})" + (f", and perhaps {newer} {older}" if upgraded else "")
    if upgraded:
        return f"{newer} alone {older}"
    if before.image != now.image:
        return f"by what Slipway {now.slipway} puts into its image, which is not what it was, alone"
    return "by what other models of the environment take, or by an edit of Slipway itself"


def newer_alone(before: Origin | None, now: Origin) -> bool | None:
    """Whether nothing but a newer Slipway makes another release; None where it is not known what made the first."""
    return None if before is None else before.slipway != now.slipway and not _yours(before, now)


def _yours(before: Origin, now: Origin) -> list[str]:
    """What people wrote otherwise."""
    return [name for field, name in _WRITTEN.items() if getattr(before, field) != getattr(now, field)]


def differences(before: Release, model: ModelPlan) -> tuple[str, ...]:
    """Where the objects of a release and of a plan differ, apart from the names of the two releases.

    A record has no way in, so that what is planned of it is no difference.
    """
    after = [one for one in render_model(model, model.image.reference) if one["kind"] not in UNRECORDED]
    found = applied_differences((before.manifests, before.digest), (after, model.release_digest))
    if before.origin is not None and before.origin.image != model.origin.image:
        return (_OTHER_IMAGE, *found)
    return found


def between(before: Release, after: Release) -> tuple[str, ...]:
    """Where the objects of two releases differ, as they are recorded: without the way in."""
    old, new = without_way_in(before), without_way_in(after)
    found = applied_differences((old.manifests, old.digest), (new.manifests, new.digest))
    return (_OTHER_IMAGE, *found) if before.image != after.image else found


def gone(model: ModelPlan) -> Change:
    """A model that was planned, and is no longer."""
    return Change(model.name, (model.release, None), (model.version, None), "removed", "it has no spec here any more")


def planned_anew(before: ModelPlan | None, after: ModelPlan) -> Change:
    """What became of a model from one plan to another; `before`: None where it was in none."""
    if before is None:
        return new(after)
    release, version = (before.release, after.release), (before.version, after.version)
    if before.release == after.release:
        return Change(after.name, release, version, "unchanged")
    then, now = ((render_model(model, ""), model.release_digest) for model in (before, after))
    found = applied_differences(then, now)
    other = (_OTHER_IMAGE,) if before.origin.image != after.origin.image else ()
    return Change(after.name, release, version, "changed", why(before.origin, after.origin), (*other, *found))


Applied = tuple[Sequence[Mapping[str, Any]], str | None]
"""Manifests of a release, and its digest; None for what is of no release."""


def applied_differences(
    before: Applied, after: Applied, alike: Callable[[Any, Any], bool] = operator.eq
) -> tuple[str, ...]:
    """Where objects differ, apart from the releases' names and images; `alike` says which values do not differ."""
    old, new = _flat(*before), _flat(*after)
    differ = [
        path
        for path in sorted(old.keys() | new.keys(), key=_order)
        if not (path in old and path in new and alike(old[path], new[path]))
    ]
    return tuple(f"{_printable(path)}: {_value(old, path)} -> {_value(new, path)}" for path in differ)


def _order(path: str) -> tuple[int, str]:
    kind = path.partition(" ")[0]
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST), path


def _value(flat: Mapping[str, Any], path: str) -> str:
    if path not in flat:
        return "nothing"
    value = flat[path]
    return "(not shown)" if isinstance(value, str) and PRIVATE.search(path) else shown(value, _VALUE_MOST)


def _flat(manifests: Sequence[Mapping[str, Any]], digest: str | None) -> dict[str, Any]:
    """The values of manifests by kind and path, without what is different in every release.

    The manifests may be anybody's: nothing is taken for granted of them.
    """
    found: dict[str, Any] = {}
    for manifest in manifests:
        for path, value in _paths(manifest):
            if path.endswith(_OF_EACH_RELEASE):
                continue
            if isinstance(value, str) and digest is not None:
                value = value.replace(digest, "RELEASE").replace(short(digest), "RELEASE")  # noqa: PLW2901
            found[f"{manifest.get('kind')} {path}"] = value
    return found


def _paths(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a manifest holds, by its path; an entry of a list goes by its name where it has one."""
    open_: list[tuple[str, Any]] = [("", manifest)]
    while open_:
        path, value = open_.pop()
        if path.endswith(WHOLE):
            yield path, compact_json(value)
        elif path == DOCUMENT and isinstance(value, str):
            open_.append(("server.json", _parsed(value)))
        elif isinstance(value, Mapping) and value:
            open_ += [(f"{path}{_joint(path)}{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list) and value:
            named = [item.get("name", at) if isinstance(item, Mapping) else at for at, item in enumerate(value)]
            open_ += [(f"{path}[{name}]", item) for name, item in zip(named, value, strict=True)]
        else:
            yield path, value


def _joint(path: str) -> str:
    return "." if path else ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _printable(path: str) -> str:
    """A path as a terminal shows it, whatever was in the record."""
    return shortened("".join(c if c.isprintable() else "?" for c in path), _PATH_MOST)

"""Say what `up` would change of a fleet: which devices get which release in which ring. Nothing is written."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway import console
from slipway.commands.changing.fleet import planned_entry, stopped_before
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.commands.previewing.showing import show
from slipway.edge.ahead import ImageChange, ModelAhead, There, ahead, left
from slipway.edge.conduct import devices_of
from slipway.edge.reach import store_path
from slipway.edge.shelving import described
from slipway.edge.store import Store, opened
from slipway.errors.base import SlipwayError, UserError, each
from slipway.errors.failures import Interrupted
from slipway.plan.image import ImagePlan
from slipway.plan.model import ModelPlan
from slipway.preview.markdown import LIMIT, marker
from slipway.preview.quoted import block, cell, code
from slipway.registry.copying import digest_there
from slipway.settings.edge import EdgeSettings

_COLUMNS = ("CHANGE", "MODEL", "VERSION", "IMAGE", "DEVICES", "RINGS")
_LINE = 600
_ROOM = (1_000, 100, 20, 3, 0)
"""Lines of each model that the comment shows: the first number with which all fits."""


@dataclass(frozen=True, slots=True)
class FleetPreview:
    """What `up` would do to a fleet.

    Attributes:
        environment: its name.
        models: sorted by name.
        refused: what `up` refuses, for people: nothing is rolled out then.
        notes: what a person should know.
    """

    environment: str
    models: tuple[ModelAhead, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """For people: `1 changed, 2 unchanged`."""
        kinds = sorted({one.does for one in self.models})
        return ", ".join(f"{sum(one.does == does for one in self.models)} {does}" for does in kinds) or "no models"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        models = [one.to_json() for one in self.models]
        return {
            "environment": self.environment,
            "models": models,
            "refused": list(self.refused),
            "warnings": list(self.notes),
        }


def show_fleet_preview(context: EnvironmentContext, settings: EdgeSettings, names: Sequence[str], form: str) -> None:
    """Print what `up` would do to a fleet, or to some models of it.

    Raises:
        UserErrors: what `up` refuses, after all else was printed.
    """
    refused: list[UserError] = []
    found = FleetPreview(context.name)
    try:
        warnings = context.complied()
        with _looked_at(context, settings) as (store, why):
            models = _models(context, settings, store, names)
            going = {one.model: one for one in store.going()}
        refused = [stopped_before(context, going[one.name]) for one in models if one.does == "refused"]
        found = FleetPreview(context.name, models, tuple(map(str, refused)), (*why, *warnings))
    except UserError as error:
        refused = list(each(error))
        found = FleetPreview(context.name, refused=tuple(map(str, refused)))
    show(form, found.to_json, lambda: markdown(found), lambda: _tell(found), refused)


@contextmanager
def _looked_at(context: EnvironmentContext, settings: EdgeSettings) -> Iterator[tuple[Store, tuple[str, ...]]]:
    """What the control side keeps; without a file on this machine nothing, and that this is so. None is made."""
    path = store_path(context.name, os.environ)
    if settings.cluster is not None or path.exists():
        with fleet_store(context, settings) as store:
            yield store, ()
        return
    why = f"nothing is known of what devices have: {path} is not there, so that all is shown as new"
    with (
        tempfile.TemporaryDirectory(prefix="slipway-preview-") as folder,
        opened(Path(folder) / "nothing.sqlite") as store,
    ):
        yield store, (why,)


def _models(
    context: EnvironmentContext, settings: EdgeSettings, store: Store, names: Sequence[str]
) -> tuple[ModelAhead, ...]:
    releases = store.releases()
    versions = {release: str(said["version"]) for release, said in releases.items()}
    running = {(device, model): versions.get(release, release) for device, model, release, *_ in store.said()}
    there = There({one.model: one for one in store.going()}, releases, running)
    enrolled = {one.name for one in store.devices() if one.state == "enrolled"}
    found: list[ModelAhead] = []
    for model in context.models(names):
        images, image = _images(model)
        stored = model.delivery.stored
        weights = described(stored) if stored is not None else None
        said = planned_entry(context, settings, store, model, images, weights)
        found.append(ahead(settings, said, image, there, devices_of(settings, store, model.name), enrolled))
    if not names:
        planned = {model.name for model in context.plan.models}
        unread = {name for one in context.left_out for name in one.names}
        found += [left(model, there) for model in there.going if model not in planned | unread]
    return tuple(sorted(found, key=lambda one: one.name))


def _images(model: ModelPlan) -> tuple[dict[str, str], ImageChange]:
    """Its images by architecture, with the digests that `up` would take without building them; and what is known."""
    found = {architecture: _image(model.name, image) for architecture, image in model.images.items()}
    changes = {change for _, change in found.values()}
    change: ImageChange = "new" if "new" in changes else "unknown" if "unknown" in changes else "same"
    return {architecture: reference for architecture, (reference, _) in found.items()}, change


def _image(name: str, image: ImagePlan) -> tuple[str, ImageChange]:
    try:
        digest = digest_there(image.reference)
    except (UserError, Interrupted):
        raise
    except SlipwayError as error:
        console.message(f"warning: {name}: {error}")
        return f"{image.repository}@", "unknown"
    return f"{image.repository}@{digest or ''}", "new" if digest is None else "same"


def _cells(one: ModelAhead) -> tuple[str, ...]:
    before, after = one.version
    version = f"{before} -> {after}" if before and after and before != after else str(after or before)
    devices = one.rings[-1].size if one.rings else 0
    rings = " > ".join(f"{ring.name} {ring.size}" for ring in one.rings) or "-"
    return one.does, one.name, version, one.image, str(devices), rings


def _tell(found: FleetPreview) -> None:
    for line in found.refused:
        console.result(f"refused: {line}")
    if found.models:
        console.table(_COLUMNS, [_cells(one) for one in found.models])
    for one in found.models:
        for line in (*one.lines(), *one.differences):
            console.result(f"{one.name}: {line}")
    console.result(f"{found.environment}: {found.summary()}")
    for note in found.notes:
        console.message(f"warning: {note}")


def markdown(found: FleetPreview, limit: int = LIMIT) -> str:
    """The comment of a pull request, at most `limit` characters long; what does not fit is cut, and said to be."""
    text = ""
    for lines in _ROOM:
        text = "\n".join(_text(found, lines)) + "\n"
        if len(text) <= limit:
            break
    return text


def _text(found: FleetPreview, lines: int) -> Iterator[str]:
    yield marker(found.environment)
    yield f"## Preview of {code(found.environment, _LINE)}"
    yield ""
    if found.refused:
        yield "**Refused: `slipway up` would change nothing.**"
        yield ""
        yield from _bullets(found.refused, lines)
        yield ""
    if found.models and lines:
        yield f"| {' | '.join(name.lower() for name in _COLUMNS)} |"
        yield f"|{' --- |' * len(_COLUMNS)}"
        yield from (f"| {' | '.join(map(cell, _cells(one)))} |" for one in found.models)
        yield ""
    yield f"Models: {found.summary()}."
    yield ""
    yield from _bullets(found.notes, lines)
    for one in found.models if lines else ():
        yield f"<details><summary>{one.name}</summary>"
        yield ""
        yield from _bullets(tuple(one.lines()), lines)
        if one.differences:
            yield ""
            yield from block(line[:_LINE] for line in one.differences[:lines])
            if len(one.differences) > lines:
                yield f"Cut: {len(one.differences) - lines} more differences."
        yield ""
        yield "</details>"
        yield ""


def _bullets(texts: Sequence[str], most: int) -> Iterator[str]:
    yield from (f"- {code(text, _LINE)}" for text in texts[:most])
    if len(texts) > most:
        yield f"- Cut: {len(texts) - most} more lines."

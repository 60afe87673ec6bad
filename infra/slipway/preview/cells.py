"""Word a preview for people: cells of its table, and lines about each model, the same in a terminal and a comment."""

from collections.abc import Iterator

from slipway.preview.model import UNKNOWN, ModelPreview, Preview
from slipway.preview.serving import Serving

COLUMNS = ("CHANGE", "MODEL", "VERSION", "IMAGE", "REPLICAS", "POOL", "GPUS", "DOWNTIME", "$/MONTH", "ROLLOUT")
_ARROW = " -> "


def cells(one: ModelPreview) -> tuple[str, ...]:
    """The row of a model, by COLUMNS."""
    return (
        _does(one),
        one.name,
        _changed(*one.change.version),
        one.image,
        _both(one, "replicas"),
        _both(one, "pool"),
        _both(one, "gpus"),
        one.downtime.cell,
        _usd(one),
        one.rollout[0],
    )


def _does(one: ModelPreview) -> str:
    """`unchanged` is said of a model that is deployed again, which does not serve or was never judged right."""
    return "again" if one.change.does == "unchanged" else one.change.does


def _changed(before: str | None, after: str | None) -> str:
    return before or after or "-" if before == after or None in (before, after) else f"{before}{_ARROW}{after}"


def _both(one: ModelPreview, field: str) -> str:
    """What it was and what it becomes; once where it stays."""
    sides = [_known(side, field) for side in (one.now, one.then) if side is not None]
    return sides[0] if len(set(sides)) == 1 else _ARROW.join(sides)


def _known(side: Serving, field: str) -> str:
    value = getattr(side, field)
    return UNKNOWN if value is None else str(value)


def _usd(one: ModelPreview) -> str:
    """Nothing is charged by the hour where a plan has no price: then that of what is live is not known either."""
    if one.then is not None and one.then.usd is None:
        return "-"
    return _both(one, "usd")


def about(one: ModelPreview) -> Iterator[str]:
    """Lines about a model, in the order in which a reader asks."""
    if one.change.why:
        yield f"why: {one.change.why}"
    if one.newer_alone:
        yield "only a newer Slipway makes this release; nothing that you wrote is otherwise"
    yield f"downtime: {one.downtime.cell}: {one.downtime.why}"
    yield from (f"rollout: {line}" for line in one.rollout[1])
    if one.verified:
        yield f"verified: {'; '.join(one.verified)}"
    yield from (f"drifted: {line}" for line in one.drift)
    if one.engine is not None:
        yield f"stack {one.engine.stack}: {one.engine.line()}"
        yield from (f"  {step.line()}" for step in (one.engine.found.steps if one.engine.found else ()))
    if one.unknown:
        yield f"manifests: {UNKNOWN}: {one.unknown}" if one.now is not None else f"manifests: {one.unknown}"


def environment(preview: Preview) -> Iterator[str]:
    """Lines about the environment's own stack, its nodes, its pools and its price."""
    if preview.own is not None:
        yield f"stack {preview.own.stack}, the environment's own: {preview.own.line()}"
        yield from (f"  {step.line()}" for step in (preview.own.found.steps if preview.own.found else ()))
    yield from preview.nodes
    yield from (f"pool {room.line()}" for room in preview.rooms)
    if preview.usd is not None:
        budget = "" if preview.budget_usd is None else f"; its budget is ${preview.budget_usd:,}"
        yield f"${preview.usd} a month for the whole environment as planned{budget}"


def summary(preview: Preview) -> str:
    """`2 changed, 1 new, 997 unchanged`."""
    return ", ".join(f"{count} {what}" for what, count in preview.counted().items())

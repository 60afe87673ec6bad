"""Draw how a model reaches the devices of a fleet."""

from collections.abc import Mapping, Sequence

from slipway.errors.base import Place, UserError
from slipway.graph.drawing import Picture
from slipway.plan.model import Plan
from slipway.settings.edge import EdgeSettings
from slipway.values.percentages import format_percentage

MOST = 30
"""Groups of devices in one picture."""


def fleet(plan: Plan, settings: EdgeSettings, models: Mapping[str, Sequence[str]]) -> Picture:
    """From the spec of each model to the devices, those of one class at one site together.

    Args:
        plan: of the fleet, with the models that are drawn.
        settings: of the fleet.
        models: the models of each device, by its name.

    Raises `UserError` for more than `MOST` groups.
    """
    drawn = Picture(f"{plan.environment}: how a model reaches its devices")
    registry = drawn.box("registry", "registry", "images by digest", kind="data")
    up = drawn.box("up", "slipway up", "signs with the fleet's key", kind="person")
    control = drawn.box("control", "control side", settings.control, "signed documents", "no key that signs")
    for model in plan.models:
        spec = drawn.box(
            f"spec {model.name}", f"{model.name} {model.version}", f"spec of {model.spec.owner}", kind="data"
        )
        drawn.arrow(spec, up, f"release {model.release[:8]}")
    drawn.arrow(up, registry, "images, built once")
    drawn.arrow(up, control, "documents, ring by ring")
    _devices(drawn, plan, settings, models)
    for model in plan.models:
        there = sum(model.name in of for of in models.values())
        rings = ", ".join(
            f"{ring.name} {size}" for ring, size in zip(settings.rings, settings.sizes(there), strict=True)
        )
        drawn.notes.append(f"{model.name}: rings of so many of {there} devices: {rings}.")
    good, stop = format_percentage(settings.success.good), format_percentage(settings.stop.failed)
    drawn.notes.append(f"The next ring opens once {good} report a right answer; from {stop} failed on, all return.")
    drawn.notes.append(f"What leaves a device about how it fares: {', '.join(settings.telemetry) or 'nothing'}.")
    return drawn


def _devices(drawn: Picture, plan: Plan, settings: EdgeSettings, models: Mapping[str, Sequence[str]]) -> None:
    groups: dict[tuple[str, str, tuple[str, ...]], int] = {}
    drawn_models = {model.name for model in plan.models}
    for device in settings.devices:
        runs = tuple(name for name in models[device.name] if name in drawn_models)
        key = (device.site, device.hardware, runs)
        groups[key] = groups.get(key, 0) + 1
    if len(groups) > MOST:
        problem, allowed = f"{len(groups)} groups of devices", f"at most {MOST} groups in a picture"
        todo = f"look at them as a list: slipway status {plan.environment}"
        raise UserError(Place(f"environment {plan.environment}"), "devices", problem, allowed, todo)
    encrypted = settings.control.startswith("https:")
    for (site, hardware, runs), count in sorted(groups.items()):
        said = f"runs {', '.join(runs)}" if runs else "runs nothing of these"
        there = f"at {site}{', Kubernetes' if settings.classes[hardware].has_cluster else ''}"
        box = drawn.box(f"devices {site} {hardware} {runs}", f"{count} {hardware}", there, said)
        drawn.arrow(box, "control", "asks and reports, signed; nothing connects to it", encrypted=encrypted)
        if runs:
            drawn.arrow("registry", box, "pulled by digest")

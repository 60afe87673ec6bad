"""Hold the models of a fleet against its devices: where each goes, what does not fit and why, what it all costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slipway.capacity.binding import Shortfall, lacks
from slipway.edge.budget import Excess, Wanted, excesses
from slipway.edge.documents import needs_objects
from slipway.environments.planning.edge import pool_of
from slipway.environments.planning.pool import Pool
from slipway.errors.base import UserError, UserErrors, WrongValue
from slipway.loading.settings import SettingsFile
from slipway.plan.model import ModelPlan
from slipway.reading.yaml_document import FieldPath
from slipway.settings.edge import EdgeSettings

_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class Cost:
    """What a fleet costs. Sums are over devices of known classes alone; `unknown`: classes without the figure.

    Attributes:
        usd: price of the devices.
        kwh: kilowatt-hours a year at the power of the catalogue, under load all the time: no more than that.
        kwh_usd: dollars a year of these; None where the settings name no price.
        unpriced: classes whose price nobody said.
        unmetered: classes whose power nobody said.
    """

    usd: float
    kwh: float
    kwh_usd: float | None
    unpriced: tuple[str, ...]
    unmetered: tuple[str, ...]


def placed(settings: EdgeSettings, models: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The models of each device by its name, in the order of the settings."""
    return {
        device.name: tuple(
            model for model in models if device.hardware in settings.placement.get(model, (device.hardware,))
        )
        for device in settings.devices
    }


def refuse_unfit(file: SettingsFile, settings: EdgeSettings, models: Sequence[ModelPlan]) -> None:
    """Raise `UserErrors` for every class that cannot run what is put on it.

    Each model by itself: its architecture, CPU and memory. All of a device together: memory, processors and sets of
    these.
    """
    found = list(_not_yet(file, settings, models))
    there = {device.hardware for device in settings.devices}
    for name in sorted(there):
        pool = pool_of(name, settings.classes[name])
        here = [model for model in models if name in settings.placement.get(model.name, (name,))]
        found += (error for model in here for error in _alone(file, name, model, _lacks(pool, model)))
        found += (_together(file, settings, one) for one in _excesses(settings, name, pool, here))
    if found:
        raise UserErrors(found)


def _lacks(pool: Pool, model: ModelPlan) -> list[Shortfall]:
    """What a class lacks for a model, of whose images it takes the one of its architecture, if there is one."""
    found = lacks(pool, model.spec)
    if pool.architecture not in model.images:
        return found
    return [one for one in found if one.field != ("resources", "architecture")]


def _excesses(settings: EdgeSettings, name: str, pool: Pool, here: Sequence[ModelPlan]) -> Iterator[Excess]:
    wanted = [
        Wanted(model.spec.resources.memory, model.spec.resources.cpu, settings.particular(model.name)) for model in here
    ]
    return excesses(name, settings.classes[name].cores, pool.memory, wanted)


def _together(file: SettingsFile, settings: EdgeSettings, one: Excess) -> UserError:
    path: FieldPath = ("devices",)
    if one.model is not None:
        path = ("models", (settings.model_names or ()).index(one.model), one.field)
    return UserError(*file.locate(path), one.problem, one.allowed, one.todo)


def _not_yet(file: SettingsFile, settings: EdgeSettings, models: Sequence[ModelPlan]) -> Iterator[UserError]:
    """Models of which more is needed than a device is told, or than its control side has: weights, in a cluster."""
    place, field = file.locate(("models",))
    for model in models:
        what = "a server of its own" if model.spec.own_server is not None else None
        what = "a pipeline" if model.check.members else what
        if what is not None:
            todo = "leave it out of models, or put it into a cluster"
            yield WrongValue(place, field, model.name, f"has {what}", "models that Slipway's server runs alone", todo)
        if settings.cluster is not None and model.delivery.stored is not None:
            problem = "has weights outside of its image, which a control side in a cluster does not keep"
            todo = "write artifact: {delivery: image} into its spec, or serve the control side without cluster"
            yield WrongValue(place, field, model.name, problem, "weights in images beside cluster", todo)
        if needs_objects(settings, model.name) and model.delivery.stored is not None:
            problem = "has weights outside of its image, which no pod of a device fetches"
            todo = "write artifact: {delivery: image} into its spec, or leave classes that run on kubernetes out"
            yield WrongValue(place, field, model.name, problem, "weights in images on devices with Kubernetes", todo)
        particular = settings.particular(model.name)
        if needs_objects(settings, model.name) and (particular.source or particular.cpuset) is not None:
            problem = "has a source or a cpuset, which reach no pod of a device"
            todo = "leave both out, or leave classes that run on kubernetes out of its placement"
            yield WrongValue(place, field, model.name, problem, "neither on devices with Kubernetes", todo)


def _alone(file: SettingsFile, name: str, model: ModelPlan, lacking: Sequence[Shortfall]) -> list[UserError]:
    place, field = file.locate(("models",))
    found: list[UserError] = []
    for one in lacking:
        asked = ".".join(one.field)
        problem = f"does not run on {name}, by {asked} of its spec: {one.has}"
        todo = f"write the classes that it runs on into placement: {{{model.name}: [...]}}, or change {asked}"
        found.append(WrongValue(place, field, model.name, problem, "models that fit every class they are put on", todo))
    return found


def cost(settings: EdgeSettings) -> Cost:
    """What the devices of a fleet cost, by the catalogue and the settings; nothing of it was measured."""
    classes: Mapping[str, int] = counted(settings)
    of = settings.classes
    kwh = sum((of[name].watts or 0) * count for name, count in classes.items()) * _HOURS / 1000
    return Cost(
        usd=sum((of[name].usd or 0) * count for name, count in classes.items()),
        kwh=kwh,
        kwh_usd=None if settings.kwh_usd is None else kwh * settings.kwh_usd,
        unpriced=tuple(name for name in classes if of[name].usd is None),
        unmetered=tuple(name for name in classes if of[name].watts is None),
    )


def counted(settings: EdgeSettings) -> dict[str, int]:
    """How many devices there are of each class, by name."""
    found: dict[str, int] = {}
    for device in settings.devices:
        found[device.hardware] = found.get(device.hardware, 0) + 1
    return dict(sorted(found.items()))

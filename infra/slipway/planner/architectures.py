"""Plan for which architectures a model's image is made: that of its spec, or those of the devices that it is put on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from slipway.delivery.ways import Delivery
from slipway.environments.planning.fleet import fleet_of
from slipway.errors.base import Place, UserError, WrongValue
from slipway.loading.specs import LoadedSpec, refuse_each
from slipway.loading.variant import Variant
from slipway.plan.code_digests import CodeDigests
from slipway.plan.image import ImagePlan
from slipway.planner.images import extras_of, image_of
from slipway.runtimes.registry import RUNTIMES, recipe
from slipway.settings.base import AnySettings


def architectures_of(settings: AnySettings, variant: Variant) -> tuple[str, ...]:
    """The architectures that a model's image is made for, each once.

    Of a fleet: those of the devices that it is put on, in the order of names, unless its spec says one.
    """
    spec, fleet = variant.spec, fleet_of(settings)
    resources = variant.written.get("resources")
    said = isinstance(resources, Mapping) and "architecture" in resources
    there = () if fleet is None or said or variant.own is not None else fleet.architectures(spec.name)
    return there or (spec.resources.architecture,)


def for_devices(environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec]) -> list[LoadedSpec]:
    """The specs as a fleet takes them: whoever names no architecture has the first one of its devices."""
    return [_adapted(environment, settings, one) for one in loaded]


def _adapted(environment: str, settings: AnySettings, loaded: LoadedSpec) -> LoadedSpec:
    variant = loaded.variant(environment)
    first, *_ = architectures_of(settings, variant)
    if first == variant.spec.resources.architecture:
        return loaded
    return replace(loaded, overrides={**loaded.overrides, environment: _of(variant, first)})


def other_images(
    environment: str, settings: AnySettings, variant: Variant, code: Mapping[str, CodeDigests], delivery: Delivery
) -> dict[str, ImagePlan]:
    """The images of a model for the architectures beside the first, by architecture; none in a cluster."""
    _, *others = architectures_of(settings, variant)
    return {one: image_of(environment, settings, _of(variant, one), code, delivery) for one in others}


def _of(variant: Variant, architecture: str) -> Variant:
    resources = variant.spec.resources.model_copy(update={"architecture": architecture})
    return replace(variant, spec=variant.spec.model_copy(update={"resources": resources}))


def refuse_architectures(
    environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None
) -> None:
    """Raise `UserErrors` for each model whose runtime has no libraries for an architecture that it is to run on."""

    def look(one: LoadedSpec, where: str) -> Iterator[UserError]:
        variant = one.variant(environment)
        runtime = variant.spec.runtime
        if variant.own is not None or RUNTIMES[runtime].image is None:
            return
        built = recipe(runtime).built_for(extras_of(variant.spec))
        for architecture in architectures_of(settings, variant):
            if architecture not in built:
                place, field = one.locate(environment, ("runtime",))
                problem = f"has libraries for {', '.join(built)} alone, and the model is to run on {architecture}"
                todo = "change the runtime (for example optimize: [{convert: onnx}] with onnxruntime), or "
                todo += f"{_elsewhere(settings, one.name)} in {where}"
                yield WrongValue(place, field, runtime, problem, f"a runtime for {architecture}", todo)

    refuse_each(environment, loaded, written, look)


def _elsewhere(settings: AnySettings, model: str) -> str:
    if fleet_of(settings) is None:
        return "leave resources.architecture out for a node pool"
    return f"write the classes that it runs on into placement: {{{model}: [...]}}"

"""Choose how weights travel: as the spec says, else by their size; refuse what the environment has no store for."""

from collections.abc import Iterator, Sequence

from slipway.artifacts.onnx import Artifact
from slipway.delivery.ways import Delivery, Stored
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.model_store import ModelStore
from slipway.errors.base import Place, WrongValue
from slipway.loading.specs import LoadedSpec, refuse_each
from slipway.runtimes.base import Runtime
from slipway.runtimes.defaults import image_bytes
from slipway.runtimes.registry import OWN_SERVERS, weights_folder
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec
from slipway.values.quantities import format_bytes

LARGE = 2**30
"""Smaller weights are in their node's cache of images after the first pod, and the seconds that a store saves the first
one are few."""


def delivery_of(spec: ModelSpec, artifact: Artifact, store: ModelStore | None, runtime: Runtime) -> Delivery:
    """How the weights of a model travel.

    Left to Slipway, weights are fetched where there is a store and they are large: 1Gi and more, and more than the
    image of their runtime, which every node has to pull anyway.
    """
    large = max(LARGE, image_bytes(runtime, gpu=spec.computes_on_gpu))
    if spec.artifact is None:
        return Delivery(
            "image", "it has no weights" if spec.pipeline is None else "a pipeline has no weights", 0, store=store
        )
    if runtime.name in OWN_SERVERS:
        reason = "what fetches weights needs a Python that an image of others may not have"
        return Delivery("image", reason, artifact.size, store=store)
    written = spec.artifact.delivery
    if written is not None:
        way, reason = written, "as artifact.delivery is written"
    elif artifact.size < large:
        way, reason = "image", f"smaller than {format_bytes(large)}"
    elif store is None:
        way, reason = "image", "the environment has no model_store"
    else:
        way, reason = "store", f"{format_bytes(large)} or more"
    if way == "image" or store is None:
        return Delivery("image", reason, artifact.size, store=store)
    return Delivery("store", reason, artifact.size, Stored(store, artifact.files, weights_folder(runtime.name)), store)


def refuse_deliveries(
    environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None
) -> None:
    """Refuse models whose weights are to be fetched where there is nothing to fetch them from.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: `artifact.delivery: store` without a model store.
    """
    refuse_each(environment, loaded, written, lambda one, where: _without_store(environment, settings, one, where))


def _without_store(environment: str, settings: AnySettings, one: LoadedSpec, where: str) -> Iterator[WrongValue]:
    artifact = one.variant(environment).spec.artifact
    asked = artifact.delivery if artifact is not None else None
    if asked == "store" and planning(settings).model_store(environment, one.name) is None:
        place, field = one.locate(environment, ("artifact", "delivery"))
        problem = f"needs a model store, and {where} have none"
        todo = f"add model_store: {{bucket: ..., credentials: ...}} to the settings of {environment}, or write image"
        yield WrongValue(place, field, asked, problem, "store in an environment with model_store, or image", todo)

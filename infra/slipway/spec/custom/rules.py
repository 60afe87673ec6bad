"""Refuse what a spec says beside an image of its own, and Slipway cannot do with one; and the reverse."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from slipway.runtimes.registry import CUSTOM, OWN_SERVERS
from slipway.spec.batching import Batching
from slipway.spec.custom.egress import EGRESS_MOST
from slipway.spec.others.own import server_of_others
from slipway.spec.others.rules import misfits_of_server
from slipway.values.quantities import refusal

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec

_NOT_READ = "is given beside runtime: custom, and nobody knows what the image's own server takes and gives"


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first of what does not fit together; see `slipway.values.quantities.refusal`."""
    for error in _misfits(spec):
        raise error


def _misfits(spec: "ModelSpec") -> Iterator[PydanticCustomError]:
    yield from misfits_of_server(spec, server_of_others(spec.runtime))
    if spec.runtime in OWN_SERVERS:
        yield from _of_traffic(spec)
        if (found := len(spec.egress)) > EGRESS_MOST:
            yield refusal(
                f"has {found} destinations", f"{EGRESS_MOST} at most", "write one block of addresses", ("egress",)
            )
    if spec.custom is None:
        yield from _without_custom(spec)
        return
    if spec.runtime != CUSTOM:
        problem = f"is {spec.runtime}, whose image Slipway makes, and the spec has custom"
        yield refusal(problem, CUSTOM, f"write runtime: {CUSTOM}, or remove custom", ("runtime",))
    if spec.pipeline is not None:
        yield refusal("is given beside custom", "pipeline or custom", "remove one of them", ("pipeline",))
    for key in ("optimize", "accept", "input", "output"):
        if getattr(spec, key):
            yield refusal(_NOT_READ, f"{key} beside another runtime", f"remove {key}", (key,))
    if spec.batching != Batching():
        yield refusal(_NOT_READ, "batching beside another runtime", "remove batching", ("batching",))
    yield from _of_artifact(spec)


def _without_custom(spec: "ModelSpec") -> Iterator[PydanticCustomError]:
    if spec.runtime == CUSTOM:
        todo = "add custom: {image: NAME@sha256:DIGEST}, or custom: {build: {context: models/reader}}"
        yield refusal(f"is missing beside runtime: {CUSTOM}", "the image, and how it is asked", todo, ("custom",))
    for key in ("env", "egress"):
        if getattr(spec, key) and spec.runtime not in OWN_SERVERS:
            problem = f"is given for runtime: {spec.runtime}, whose server reads no variables and connects to nobody"
            yield refusal(problem, f"{key} beside runtime: {CUSTOM}", f"remove {key}", (key,))


def _of_artifact(spec: "ModelSpec") -> Iterator[PydanticCustomError]:
    if spec.artifact is None:
        return
    if spec.artifact.delivery == "store":
        problem = "is store, and what fetches weights needs a Python that an image of others may not have"
        yield refusal(
            problem, "image", "remove delivery: the weights are a layer of the image", ("artifact", "delivery")
        )
    for key in ("format", "allow_pickle", "external_data"):
        if getattr(spec.artifact, key):
            problem = "is given beside runtime: custom, whose server reads the file as it is"
            yield refusal(problem, f"artifact without {key}", f"remove {key}", ("artifact", key))


def _of_traffic(spec: "ModelSpec") -> Iterator[PydanticCustomError]:
    target, scale = spec.scale.target, spec.scale
    if spec.endpoint.max_body is not None:
        problem = f"is given beside runtime: {spec.runtime}, whose server nobody can hold to it"
        yield refusal(problem, "max_body beside another runtime", "remove max_body", ("endpoint", "max_body"))
    for key, what in (("page", "page"), ("grpc", "protocol over gRPC")):
        if getattr(spec.endpoint, key):
            problem = f"is true, and runtime: {CUSTOM} has a server of its own, without the {what} of Slipway's"
            yield refusal(problem, f"{key} beside another runtime", f"remove {key}", ("endpoint", key))
    if target is not None and target.signal not in ("cpu_percent", "gpu_percent"):
        problem = f"is measured by Slipway's own model server, and runtime: {spec.runtime} has another"
        at = ("scale", "target", target.signal)
        yield refusal(problem, "target.cpu_percent, or gpu_percent", "write target: {cpu_percent: 70}", at)
    if scale.to_zero is not None:
        problem = "needs a target that Slipway's own model server measures, and the image has another"
        yield refusal(problem, "to_zero beside another runtime", "remove to_zero", ("scale", "to_zero"))
    if spec.rollout.judged:
        strategy = spec.rollout.strategy
        problem = f"{strategy} compares answers in the form of Slipway's own model server"
        yield refusal(problem, "rolling or recreate", "write strategy: rolling", ("rollout", "strategy"))

"""Refuse what a spec says beside a language model, and llama.cpp or its protocol cannot do; and the reverse."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from slipway.runtimes.registry import LLAMA
from slipway.spec.batching import Batching
from slipway.values.quantities import refusal

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec

GGUF = "gguf"
_TARGETS = ("cpu_percent", "queue")
_NOT_DONE = f"is given beside runtime: {LLAMA}, which takes text and gives text"


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first of what does not fit together; see `slipway.values.quantities.refusal`."""
    for error in _misfits(spec):
        raise error


def _misfits(spec: "ModelSpec") -> Iterator[PydanticCustomError]:
    if spec.runtime != LLAMA:
        if spec.llama is not None:
            problem = f"is {spec.runtime}, and the spec has llama"
            yield refusal(problem, LLAMA, f"write runtime: {LLAMA}, or remove llama", ("runtime",))
        return
    for key in ("optimize", "accept", "input", "output"):
        if getattr(spec, key):
            yield refusal(_NOT_DONE, f"{key} beside another runtime", f"remove {key}", (key,))
    if spec.batching != Batching():
        problem = f"is given beside runtime: {LLAMA}, which has slots for that"
        yield refusal(problem, "llama: {slots: N}", "remove batching", ("batching",))
    if spec.endpoint.grpc:
        problem = f"is given beside runtime: {LLAMA}, whose protocol is HTTP"
        yield refusal(problem, "grpc beside another runtime", "remove grpc", ("endpoint", "grpc"))
    if spec.artifact is not None and spec.artifact.format not in (None, GGUF):
        problem = f"is {spec.artifact.format}, which llama.cpp does not load"
        todo = "convert the weights by llama.cpp's own converter, and leave format out"
        yield refusal(problem, GGUF, todo, ("artifact", "format"))
    adapted = spec.llama is not None and bool(spec.llama.adapters)
    if adapted and spec.artifact is not None and spec.artifact.address is not None:
        problem = "are given for weights elsewhere, and are files of the repository"
        todo = "keep the model in the repository, or serve the adapter merged into it"
        yield refusal(problem, "adapters beside a model in the repository", todo, ("llama", "adapters"))
    target = spec.scale.target
    if target is not None and target.signal not in _TARGETS:
        problem = f"is given beside runtime: {LLAMA}, whose requests take as long as their answers are"
        todo = "write target: {queue: 1}: requests that wait for a slot"
        yield refusal(problem, " or ".join(_TARGETS), todo, ("scale", "target", target.signal))
    if spec.scale.to_zero is not None:
        problem = "counts the requests of tensors, which a language model has none of"
        yield refusal(problem, "to_zero beside another runtime", "remove to_zero", ("scale", "to_zero"))
    if spec.rollout.judged:
        problem = f"{spec.rollout.strategy} compares answers of tensors, and those of a language model are text"
        yield refusal(problem, "rolling or recreate", "write strategy: rolling", ("rollout", "strategy"))

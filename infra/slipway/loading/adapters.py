"""Put the adapters of a language model beside its weights: they are a part of what is served."""

from dataclasses import replace
from pathlib import Path

from slipway.artifacts.gguf import find_adapter
from slipway.artifacts.onnx import Found
from slipway.errors.base import UserError, WrongValue
from slipway.reading.files import BadFile
from slipway.reading.findings import Locate
from slipway.spec.language.section import adapter_file
from slipway.spec.model import ModelSpec


def with_adapters(weights: Found, spec: ModelSpec, root: Path, locate: Locate, found: list[UserError]) -> Found:
    """The weights with the adapters that a spec names.

    Args:
        weights: of the model itself.
        spec: names the adapters, as files below `root`.
        root: folder that links may not lead out of.
        locate: where values of the spec are written.
        found: gets what is wrong with adapters.
    """
    there: dict[str, tuple[Path, int]] = {}
    for index, adapter in enumerate(spec.language.adapters):
        try:
            there[adapter_file(adapter.name)] = find_adapter(root / adapter.source, root)
        except BadFile as error:
            place, field = locate(("llama", "adapters", index, "source"))
            found.append(WrongValue(place, field, adapter.source, error.problem, error.allowed, error.todo))
    if not there:
        return weights
    return replace(weights, external=there, size=weights.size + sum(size for _, size in there.values()))

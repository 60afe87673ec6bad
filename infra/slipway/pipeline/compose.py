"""Put a pipeline together: its signature, and what its server is told, from its stages and its models' signatures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway_server.values.signature import Signature, Tensor

from slipway.errors.base import nearest
from slipway.reading.yaml_document import FieldPath
from slipway.spec.pipeline import Pipeline, Stage

_DECIDES = ("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "BYTES")
"""Datatypes of values that a switch can tell apart: two floating-point numbers are rarely the same."""


class Uncomposable(Exception):
    """Stages that do not go together. `at` leads from the pipeline to the field that is to blame; then as in errors."""

    def __init__(self, at: FieldPath, value: object, problem: str, allowed: str, todo: str) -> None:
        super().__init__(problem)
        self.at, self.value, self.problem, self.allowed, self.todo = at, value, problem, allowed, todo


@dataclass(frozen=True, slots=True)
class Composed:
    """A pipeline that goes together.

    Attributes:
        signature: what it takes and gives.
        stages: what its server is told, one mapping for each stage (`slipway_server.values.config.StageSection`).
    """

    signature: Signature
    stages: tuple[Mapping[str, Any], ...]

    def document(self) -> dict[str, Any]:
        """The section `pipeline` of the server's configuration, without where its models are."""
        return {
            "inputs": [described(tensor) for tensor in self.signature.inputs],
            "outputs": [described(tensor) for tensor in self.signature.outputs],
            "stages": [dict(stage) for stage in self.stages],
        }


@dataclass
class _Values:
    """Values by name, as they are known before a stage; `inputs`: those that the caller has to bring."""

    known: dict[str, Tensor] = field(default_factory=dict)
    inputs: dict[str, Tensor] = field(default_factory=dict)


def compose(pipeline: Pipeline, members: Mapping[str, Signature]) -> Composed:
    """Put a pipeline together.

    Args:
        pipeline: its stages.
        members: what each of its models takes and gives.

    Raises:
        Uncomposable: a model that is not in `members`, a value that nothing gives, or one of another type or shape.
    """
    values = _Values()
    stages = []
    last: list[str] = []
    for index, stage in enumerate(pipeline.stages):
        at: FieldPath = ("stages", index)
        signatures = _signatures(stage, members, at)
        if stage.switch is not None:
            _check_switch(stage, values, at)
        taken = _taken(stage, signatures, values, at)
        given = _given(stage, signatures, at)
        stages.append(_document(stage, taken, signatures, given))
        values.known |= {tensor.name: tensor for tensor in given.values()}
        last = [tensor.name for tensor in given.values()]
    wanted = last if pipeline.outputs is None else list(pipeline.outputs)
    for index, name in enumerate(wanted):
        if name not in values.known or values.known[name] is values.inputs.get(name):
            made = [known for known, tensor in values.known.items() if tensor is not values.inputs.get(known)]
            raise _unknown(("outputs", index), name, "is no output of a stage", made)
    outputs = tuple(values.known[name] for name in wanted)
    return Composed(Signature(tuple(values.inputs.values()), outputs, {}), tuple(stages))


def described(tensor: Tensor) -> dict[str, Any]:
    """A tensor as the server's configuration has it; a free size is null."""
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape)}


def _signatures(stage: Stage, members: Mapping[str, Signature], at: FieldPath) -> dict[str, Signature]:
    for name in stage.models:
        if name not in members:
            raise _unknown((*at, *_field_of(stage, name)), name, "is no model that can be a part of it", list(members))
    found = {name: members[name] for name in stage.models}
    first, *others = found.items()
    for name, other in others:
        for role in ("inputs", "outputs"):
            one, two = _shown(getattr(first[1], role)), _shown(getattr(other, role))
            if one != two:
                problem = f"has other {role} than {first[0]}: {', '.join(two)}"
                todo = "use models with the same inputs and outputs, or stages of their own"
                raise Uncomposable((*at, *_field_of(stage, name)), name, problem, ", ".join(one), todo)
    return found


def _shown(tensors: Sequence[Tensor]) -> list[str]:
    return sorted(f"{tensor.name} {tensor.dtype} {tensor.shape_text}" for tensor in tensors)


def _field_of(stage: Stage, name: str) -> FieldPath:
    """Where a stage says the name of one of its models."""
    if stage.model is not None:
        return ("model",)
    if stage.ensemble is not None:
        return ("ensemble", stage.ensemble.index(name))
    case = next((case for case, model in (stage.cases or {}).items() if model == name), None)
    return ("default",) if case is None else ("cases", case)


def _check_switch(stage: Stage, values: _Values, at: FieldPath) -> None:
    """Refuse a switch on what nothing gives, or on what is no text or whole number."""
    name = stage.switch or ""
    tensor = values.known.get(name)
    if tensor is None:
        raise _unknown((*at, "switch"), name, "is no output of an earlier stage", list(values.known))
    if tensor.dtype not in _DECIDES:
        todo = "use a label or a text, or make one in the model before"
        raise Uncomposable((*at, "switch"), name, f"is {tensor.dtype}", ", ".join(_DECIDES), todo)
    if not tensor.shape or tensor.shape[0] is not None or any(size != 1 for size in tensor.shape[1:]):
        problem = f"has the shape {tensor.shape_text}"
        todo = "give one value for each row"
        raise Uncomposable((*at, "switch"), name, problem, "[any] or [any, 1]: one value for each row", todo)


def _taken(stage: Stage, signatures: Mapping[str, Signature], values: _Values, at: FieldPath) -> dict[str, str]:
    """For each input of the stage's models, the value that it gets; what nothing gives becomes an input."""
    inputs = {tensor.name: tensor for tensor in next(iter(signatures.values())).inputs}
    for name in stage.inputs:
        if name not in inputs:
            raise _unknown((*at, "inputs", name), name, f"is no input of {stage.models[0]}", list(inputs))
    taken = {}
    for name, tensor in inputs.items():
        source = stage.inputs.get(name, name)
        known = values.known.get(source)
        if known is None:
            brought = Tensor(source, tensor.dtype, tensor.shape)
            values.inputs[source] = values.known[source] = brought
        elif known.dtype != tensor.dtype or not _fits(known, tensor):
            where = (*at, "inputs", name) if name in stage.inputs else at
            problem = f"gives the input {name} of {stage.models[0]} {known.dtype} {known.shape_text} ({source})"
            todo = "name another value in inputs, or put a model that converts it between them"
            raise Uncomposable(where, source, problem, f"{tensor.dtype} {tensor.shape_text}", todo)
        if stage.switch is not None and (not tensor.shape or tensor.shape[0] is not None):
            problem = f"asks {stage.models[0]} for each row, whose input {name} has the shape {tensor.shape_text}"
            todo = "export the models with a free first dimension"
            raise Uncomposable((*at, "switch"), stage.switch, problem, "inputs with a free first dimension", todo)
        taken[name] = source
    return taken


def _fits(value: Tensor, wanted: Tensor) -> bool:
    """Whether a value may have a shape that is taken; what is free is checked when it is there."""
    pairs = zip(value.shape, wanted.shape, strict=False)
    return len(value.shape) == len(wanted.shape) and all(None in pair or pair[0] == pair[1] for pair in pairs)


def _given(stage: Stage, signatures: Mapping[str, Signature], at: FieldPath) -> dict[str, Tensor]:
    """The values that a stage gives, by the output of its models that they are."""
    outputs = next(iter(signatures.values())).outputs
    known = [tensor.name for tensor in outputs]
    for name in stage.outputs:
        if name not in known:
            raise _unknown((*at, "outputs", name), name, f"is no output of {stage.models[0]}", known)
    given = {one.name: Tensor(stage.outputs.get(one.name, one.name), one.dtype, one.shape) for one in outputs}
    names = [tensor.name for tensor in given.values()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        problem = f"gives two outputs the name {twice}"
        raise Uncomposable((*at, "outputs"), twice, problem, "a name for each output", "rename one of them")
    if stage.switch is not None:
        for name, tensor in given.items():
            if not tensor.shape or tensor.shape[0] is not None:
                problem = f"joins rows, and the output {name} of {stage.models[0]} has the shape {tensor.shape_text}"
                todo = "export the models with a free first dimension"
                raise Uncomposable((*at, "switch"), stage.switch, problem, "outputs with one entry for each row", todo)
    return given


def _document(
    stage: Stage, taken: Mapping[str, str], signatures: Mapping[str, Signature], given: Mapping[str, Tensor]
) -> dict[str, Any]:
    first = next(iter(signatures.values()))
    document: dict[str, Any] = {
        "models": [stage.model] if stage.model is not None else list(stage.ensemble or ()),
        "inputs": [described(tensor) | {"value": taken[tensor.name]} for tensor in first.inputs],
        "outputs": [described(tensor) | {"value": given[tensor.name].name} for tensor in first.outputs],
    }
    if stage.switch is not None:
        document |= {"switch": stage.switch, "cases": dict(stage.cases or {}), "default": stage.default}
    return document


def _unknown(at: FieldPath, name: str, problem: str, known: Sequence[str]) -> Uncomposable:
    near = nearest(name, list(known))
    todo = f"write {near}" if near else "correct the name"
    return Uncomposable(at, name, problem, ", ".join(known) or "none is there", todo)

"""Run one stage: ask its models, average or count what an ensemble says, divide the rows of a switch and join them."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from slipway_server.pipeline.members import Members
from slipway_server.values.errors import BadRequest, ModelFault
from slipway_server.values.pipeline import StageSection
from slipway_server.values.tensors import Array

Values = Mapping[str, Array]


async def run_stage(stage: StageSection, values: Values, members: Members) -> dict[str, Array]:
    """Return the values that a stage gives.

    Raises:
        BadRequest: a model refuses its inputs, or a switch has no case for a row.
        ModelFault: models answer what does not go together.
        MemberAway: a model cannot be asked now.
    """
    if stage.switch is not None:
        return await _switched(stage, stage.switch, values, members)
    answers = await _all(members.ask(model, stage.inputs, stage.outputs, values) for model in stage.models)
    return answers[0] if len(answers) == 1 else combined(stage.models, answers)


async def _all(asked: Iterable[Coroutine[Any, Any, dict[str, Array]]]) -> list[dict[str, Array]]:
    """Wait for all answers; the first error ends the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in asked]
    return [task.result() for task in tasks]


def combined(models: Sequence[str], answers: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return the mean of floating-point numbers, and of other values what most say; the first where as many differ.

    Raises:
        ModelFault: the models' outputs have different shapes.
    """
    result = {}
    for name, first in answers[0].items():
        arrays = [answer[name] for answer in answers]
        for model, array in zip(models, arrays, strict=True):
            if array.shape != first.shape:
                problem = f"has the shape {list(array.shape)} of {model}, and {list(first.shape)} of {models[0]}"
                raise ModelFault(name, problem, "models whose answers have the same shape")
        result[name] = np.mean(arrays, axis=0, dtype=first.dtype) if first.dtype.kind == "f" else _most(arrays)
    return result


def _most(arrays: Sequence[Array]) -> Array:
    """For each element the value that most arrays have; of those that as many have, the first array's."""
    votes = np.stack([sum((one == other).astype(int) for other in arrays) for one in arrays])
    # argmax takes the first of equals, which is the array that comes first.
    winners = np.argmax(votes, axis=0)
    result: Array = np.choose(winners, arrays) if arrays[0].dtype.kind != "O" else _chosen(winners, arrays)
    return result


def _chosen(winners: Array, arrays: Sequence[Array]) -> Array:
    result = np.empty(winners.shape, dtype=np.object_)
    for index in np.ndindex(winners.shape):
        result[index] = arrays[int(winners[index])][index]
    return result


async def _switched(stage: StageSection, switch: str, values: Values, members: Members) -> dict[str, Array]:
    """Ask a model for the rows of its case, all of them side by side, and put the rows back in their order."""
    keys = [_text(key) for key in values[switch].reshape(-1).tolist()]
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        model = stage.cases.get(key, stage.default)
        if model is None:
            raise BadRequest(switch, f"is {key!r} in row {row}", f"one of {', '.join(stage.cases)}: no default is set")
        rows.setdefault(model, []).append(row)
    if not rows:
        first = stage.default or next(iter(stage.cases.values()))
        return await members.ask(first, stage.inputs, stage.outputs, values)
    for one in stage.inputs:
        if len(values[one.value]) != len(keys):
            problem = f"has {len(values[one.value])} rows, and {switch} has {len(keys)}"
            raise BadRequest(one.value, problem, f"one row for each of {switch}")

    def of(at: list[int]) -> dict[str, Array]:
        return {one.value: values[one.value][at] for one in stage.inputs}

    answers = await _all(members.ask(model, stage.inputs, stage.outputs, of(at)) for model, at in rows.items())
    order = np.argsort(np.concatenate([np.array(at) for at in rows.values()]), kind="stable")
    return {one.value: _joined(one.value, answers, rows, order) for one in stage.outputs}


def _joined(
    name: str, answers: Sequence[Mapping[str, Array]], rows: Mapping[str, Sequence[int]], order: Array
) -> Array:
    for answer, (model, at) in zip(answers, rows.items(), strict=True):
        if len(answer[name]) != len(at):
            problem = f"has {len(answer[name])} rows of model {model} for {len(at)}"
            raise ModelFault(name, problem, "models that answer one row for each row")
    try:
        joined: Array = np.concatenate([answer[name] for answer in answers])[order]
    except ValueError:
        pairs = zip(answers, rows, strict=True)
        shapes = ", ".join(f"{list(answer[name].shape)} of {model}" for answer, model in pairs)
        raise ModelFault(name, f"has the shapes {shapes}", "models whose rows have the same shape") from None
    return joined


def _text(key: object) -> str:
    """A value as the cases of a spec write it."""
    return str(key).lower() if isinstance(key, bool) else str(key)

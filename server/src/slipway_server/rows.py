"""Run several requests as one: put their rows together, run the model once, take the answers apart."""

from collections.abc import Mapping, Sequence

import numpy as np

from slipway_server.errors import BadRequest
from slipway_server.session import Cancellation, Session
from slipway_server.signature import Signature
from slipway_server.tensors import Array

Inputs = Mapping[str, Array]
Outputs = dict[str, Array]


def can_batch(signature: Signature) -> bool:
    """Return whether every input and output has a free first dimension, so that rows may be put together."""
    tensors = (*signature.inputs, *signature.outputs)
    return all(tensor.shape and tensor.shape[0] is None for tensor in tensors)


def rows_are_independent(session: Session, inputs: Inputs, cancellation: Cancellation | None = None) -> bool:
    """Try whether rows really do not change each other's answers.

    A free first dimension may as well be time, and a graph may normalise over it: then put-together requests
    would answer each other's questions. The request, zeros, and the request again must give the same together
    as one by one. `cancellation` ends the trial early: then nothing is known, and they count as dependent.
    """
    zeros = {name: np.zeros_like(array) for name, array in inputs.items()}
    if any(array.dtype.kind == "O" for array in inputs.values()):
        zeros = dict(inputs)
    trial = [inputs, zeros, inputs]
    try:
        alone = [session.run(one, cancellation) for one in trial]
        together = _split(session.run(_join(trial), cancellation), [_rows(one) for one in trial])
    except BadRequest:
        return False
    return together is not None and all(
        _same(a[name], b[name]) for a, b in zip(alone, together, strict=True) for name in a
    )


def run_together(session: Session, requests: Sequence[Inputs], cancellation: Cancellation) -> list[Outputs | Exception]:
    """Return the outputs of each request, or the error that it alone has caused.

    Args:
        session: the model.
        requests: inputs of each, equal in all dimensions but the first.
        cancellation: for ending the run early.
    """
    if len(requests) > 1:
        try:
            parts = _split(session.run(_join(requests), cancellation), [_rows(one) for one in requests])
        except BadRequest:
            parts = None
        if parts is not None:
            return list(parts)
        # One of them spoils the run for all: only that one shall get the error.
    return [_run_alone(session, one, cancellation) for one in requests]


def _run_alone(session: Session, inputs: Inputs, cancellation: Cancellation) -> Outputs | Exception:
    try:
        return session.run(inputs, cancellation)
    except BadRequest as error:
        return error


def _rows(inputs: Inputs) -> int:
    return int(next(iter(inputs.values())).shape[0])


def _join(requests: Sequence[Inputs]) -> Inputs:
    return {name: np.concatenate([one[name] for one in requests]) for name in requests[0]}


def _split(outputs: Outputs, sizes: Sequence[int]) -> list[Outputs] | None:
    """Return each request's rows of the outputs; None if an output has not one row per row put in."""
    if any(array.shape[0] != sum(sizes) for array in outputs.values()):
        return None
    parts = []
    start = 0
    for size in sizes:
        parts.append({name: array[start : start + size] for name, array in outputs.items()})
        start += size
    return parts


def _same(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "f":
        # Matrix products of other sizes add up in another order.
        return bool(np.allclose(one, other, rtol=1e-2, atol=1e-4, equal_nan=True))
    return bool((one == other).all())

"""Run several requests as one: put their rows together, run the model once, take the answers apart."""

from collections.abc import Sequence

import numpy as np

from slipway_server.backends.base import Cancellation, Session
from slipway_server.execution.samples import Inputs
from slipway_server.values.errors import BadRequest
from slipway_server.values.tensors import Array

Outputs = dict[str, Array]


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
    if any(array.ndim == 0 or array.shape[0] != sum(sizes) for array in outputs.values()):
        return None
    parts = []
    start = 0
    for size in sizes:
        parts.append({name: array[start : start + size] for name, array in outputs.items()})
        start += size
    return parts

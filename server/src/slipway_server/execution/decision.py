"""Decide whether rows of several requests run together: what the configuration asks for and what trials found."""

import threading
from dataclasses import replace

from slipway_server.backends.base import Cancellation, Session
from slipway_server.execution.finding import Finding, Verdict
from slipway_server.execution.independence import try_rows
from slipway_server.execution.samples import Inputs
from slipway_server.values.batching import Batching
from slipway_server.values.config import BatchSection
from slipway_server.values.signature import Signature, Tensor

# A start waits for the trials, so they must end; they count as blind for what they did not get to.
TRIALS_LIMIT_S = 10.0


class BatchingError(Exception):
    """Batching is asked for and would give wrong answers; the message says why."""


def decide_batching(session: Session, golden: Inputs, asked: BatchSection, limit_s: float) -> Batching:
    """Return how the requests of a model are put together.

    Args:
        session: the model.
        golden: the golden request's arrays by input name.
        asked: what the configuration says.
        limit_s: how long the trials may take.

    Raises:
        BatchingError: `enabled: true`, and the model's rows depend on each other.
    """
    if asked.enabled is False:
        return Batching(1, "the spec says `batching.enabled: false`")
    if asked.max_size == 1:
        return Batching(1, "the spec says `batching.max_rows: 1`")
    odd = _without_rows(session.signature, golden)
    if odd is not None and not odd.is_tensor:
        return _refused(f"`{odd.name}` is a list, whose items belong to no row", asked)
    if odd is not None:
        return _refused(f"`{odd.name}` has the shape {odd.shape_text}: its first dimension is not free", asked)
    found = _judged(_tried(session, golden, asked.max_size, limit_s), asked)
    if len(session.signature.required) == len(session.signature.inputs):
        return found
    return replace(found, given=frozenset(golden))


def _tried(session: Session, golden: Inputs, max_rows: int, limit_s: float) -> Finding:
    trials = Cancellation()
    timer = threading.Timer(limit_s, trials.cancel)
    timer.start()
    try:
        return try_rows(session, golden, max_rows, trials)
    finally:
        timer.cancel()


def _judged(finding: Finding, asked: BatchSection) -> Batching:
    if finding.verdict is Verdict.DEPENDENT:
        return _refused(finding.reason, asked)
    if asked.enabled:
        return Batching(asked.max_size, f"the spec says `batching.enabled: true`; trials: {finding.reason}")
    if finding.verdict is Verdict.INDEPENDENT:
        return Batching(finding.max_rows, finding.reason, finding.held)
    return Batching(1, f"trials could not show whether rows change each other's answers: {finding.reason}")


def _refused(reason: str, asked: BatchSection) -> Batching:
    if asked.enabled:
        raise BatchingError(
            f"`batching.enabled: true` would give wrong answers: {reason}; "
            "next: take `batching.enabled` out of the spec, and every request runs alone"
        )
    return Batching(1, reason)


def _without_rows(signature: Signature, golden: Inputs) -> Tensor | None:
    """Return the first of the tensors that has no rows; of inputs that may be left out, those of the golden request."""
    given = (tensor for tensor in signature.inputs if not tensor.optional or tensor.name in golden)
    tensors = (*given, *signature.outputs)
    return next((tensor for tensor in tensors if not tensor.shape or tensor.shape[0] is not None), None)

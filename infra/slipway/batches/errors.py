"""Say why a batch was refused, failed, or went away."""

from slipway.environments.planning.model_store import ModelStore
from slipway.errors.base import DeployError, Place, SlipwayError, UserError


class BatchRefused(UserError):
    """The input, or the place of the results, cannot be used; parts that were made stay."""

    def __init__(self, what: str, problem: str, allowed: str, todo: str) -> None:
        super().__init__(Place(what), None, problem, allowed, todo)


class BatchFailed(DeployError):
    """The Job ended, or cannot begin, though the input was right. What it made stays; the model serves as before."""

    def __init__(self, job: str, reason: str, todo: str) -> None:
        super().__init__(f"Job {job} failed: {reason}; the parts that it made stay; next: {todo}")


class BatchGone(DeployError):
    """Somebody deleted the Job while it was waited for."""

    def __init__(self, job: str) -> None:
        super().__init__(
            f"Job {job} is gone: it was cancelled, or its model destroyed; next: the same command begins it again"
        )


class StoreFailed(SlipwayError):
    """The model store did not do what was asked of it."""

    def __init__(self, what: str, store: ModelStore, problem: str, todo: str) -> None:
        super().__init__(f"{what}, {store}: {problem}; next: {todo}")

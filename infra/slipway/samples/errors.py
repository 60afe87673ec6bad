"""Say why samples cannot be found, read or erased."""

from slipway.environments.planning.model_store import ModelStore
from slipway.errors.base import DeployError, SlipwayError


class NoSamples(SlipwayError):
    """Nothing in the environment ever kept samples: there is no key of them, or no place."""

    exit_code = 1

    def __init__(self, environment: str, reason: str) -> None:
        super().__init__(
            f"environment {environment} keeps no samples: {reason}; next: check the name of the environment, or write "
            "`capture` in the spec of a model"
        )


class SamplesUnread(SlipwayError):
    """The store did not do what was asked of it. `what` is where, as a person knows it."""

    def __init__(self, store: ModelStore, operation: str, reason: str, rights: str) -> None:
        super().__init__(
            f"samples in {store}: {operation}: {reason}; next: check that the credentials of this machine may do "
            f"{rights} there, then run the command again: it goes on with what is left"
        )


class NotErased(DeployError):
    """After all was deleted, there was still something of the subject."""

    def __init__(self, left: int) -> None:
        super().__init__(
            f"{left} objects with keys of the subject were there again after they were deleted: a model stores samples "
            "of it now; next: stop what sends requests about it, then run the command again"
        )

"""Contain the limits of a replica's life."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits of a replica's life, in seconds.

    Attributes:
        start_s: from the container's start to the right answer to the golden request.
        drain_s: a stopping server goes on answering until no request has come for so long.
        grace_s: from SIGTERM to SIGKILL; longer than draining and the longest request together.
        deadline_s: without progress for so long, a rollout has failed.
    """

    start_s: int
    drain_s: float
    grace_s: int
    deadline_s: int

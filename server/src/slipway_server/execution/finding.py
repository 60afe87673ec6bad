"""What trials found about the rows of a model's requests, and how they end early."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from slipway_server.values.tensors import Array


class Verdict(Enum):
    """What the trials say about the rows of requests."""

    INDEPENDENT = "independent"
    DEPENDENT = "dependent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """The outcome of the trials.

    Attributes:
        verdict: what they say.
        reason: why, as a sentence without a full stop.
        max_rows: the most rows that were tried together.
        held: inputs that had the same row in every trial, with this row; one element where all are the same.
    """

    verdict: Verdict
    reason: str
    max_rows: int = 1
    held: Mapping[str, Array] = field(default_factory=dict)


class DependenceSeen(Exception):
    """Rows depend on each other or on their number; the message says how it showed."""


class NothingKnown(Exception):
    """The trials could not have shown a dependence; the message says why."""


class Ended(Exception):
    """More rows cannot be tried; the message says why."""

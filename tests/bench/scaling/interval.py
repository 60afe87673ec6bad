"""What happened, or was foretold, in a quarter of a minute."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An interval of a run.

    Attributes:
        start_s: from the first request.
        arrivals: requests.
        replicas: mean number of replicas.
        p95_s: of the requests that came in it; None without any.
        lost: requests without a right answer.
    """

    start_s: float
    arrivals: int
    replicas: float
    p95_s: float | None
    lost: int

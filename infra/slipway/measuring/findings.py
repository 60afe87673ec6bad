"""Hold what was found about a model under one pair of limits, as it is kept for people and for a later Slipway."""

from typing import Annotated, Literal

from pydantic import Field

from slipway.values.section import Section

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Point(Section):
    """One steady rate. `rate`: requests a second that were sent; the rest is what came of them.

    `answered`: a second; `lost`: requests without a good answer; `cores`: of CPU that the server used; `client_cores`:
    that the asking used, on the same machine; `other_cores`: that everything else on it used meanwhile; `steady`:
    whether the server kept up.
    """

    rate: Positive
    answered: NotNegative
    mean_ms: Positive | None
    p50_ms: Positive | None
    p95_ms: Positive | None
    p99_ms: Positive | None
    lost: Annotated[int, Field(ge=0)]
    cores: NotNegative
    client_cores: NotNegative
    other_cores: NotNegative
    steady: bool


class Step(Section):
    """What was found with one pair of limits.

    Attributes:
        cpu: limit in thousandths of a core.
        memory: limit in bytes.
        failed: why the server did not serve under them; empty when it did, and then all else but `knee` is there.
        startup_s: from the start of the process until the golden request was answered.
        idle_bytes: memory that it held once it was ready.
        peak_bytes: memory that it held at most.
        alone_ms: median time of a request that is alone.
        most: requests a second that were answered when there were always more to answer.
        points: rates below that.
        knee: requests a second at the knee; None when no rate was kept up with.
        shared: whether requests shared runs of the model; None where the server does not say.
        rows: requests a second at most by `batching.max_rows`; empty where that was not tried.
    """

    cpu: Annotated[int, Field(gt=0)]
    memory: Annotated[int, Field(gt=0)]
    failed: str = ""
    startup_s: Positive | None = None
    idle_bytes: Annotated[int, Field(gt=0)] | None = None
    peak_bytes: Annotated[int, Field(gt=0)] | None = None
    alone_ms: Positive | None = None
    most: NotNegative | None = None
    points: tuple[Point, ...] = ()
    knee: Positive | None = None
    shared: bool | None = None
    rows: dict[int, float] = Field(default_factory=dict)

    @property
    def at_knee(self) -> Point | None:
        """What was found at the knee."""
        return next((point for point in self.points if point.rate == self.knee), None)

    @property
    def per_core(self) -> float | None:
        """Requests a second at the knee for each core of the limit."""
        return None if self.knee is None else self.knee / (self.cpu / 1000)


class Machine(Section):
    """What it was measured on, see `slipway.measuring.hardware.Hardware`."""

    cpu: str
    cores: int
    memory: int
    kernel: str
    flags: tuple[str, ...]


class Finding(Section):
    """A step, and all that it depends on.

    `how`: in a container of the model's image, whose digest is `image`, or as a process of the image's wheels.
    `release`: that would serve so, by its whole digest. `within_ms`: what the p95 had to stay below for a
    rate to be kept up with; None where there was no such limit.
    """

    date: str
    version: str
    release: str
    runtime: str
    how: Literal["image", "process"]
    image: str | None
    machine: Machine
    seconds: Positive
    within_ms: Positive | None
    step: Step

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What a later finding replaces it by: CPU of the machine, runtime, and limits."""
        return (self.machine.cpu, self.runtime, self.step.cpu, self.step.memory)

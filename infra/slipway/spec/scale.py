"""Contains what a spec says about the number of replicas."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from slipway.values.cron import Cron, TimeZone, same_times
from slipway.values.quantities import Seconds, format_seconds, refusal
from slipway.values.section import Section, amount, empty, left_out, number

Replicas = Annotated[int, *number(1, 1000)]
Percent = Annotated[int, *number(1, 100)]
Milliseconds = Annotated[float, *amount(86_400_000, "100")]
Percentile = Annotated[float, *amount(30_000, "100")]
"""In milliseconds; the histograms of the model server end there, and what is above cannot be told apart."""
Amount = Annotated[float, *amount(1_000_000, "20")]

Scaler = Literal["HorizontalPodAutoscaler", "ScaledObject"]
"""Kind of the object that sets the number of replicas: Kubernetes' own, or KEDA's."""

COOL_DOWN_S = 300.0
_COOL_DOWN_MOST_S = 3600
"""What the HorizontalPodAutoscaler accepts for its stabilization window."""
_AFTER_LEAST_S = 10
_SINCE: JsonDict = {"since": "0.2"}


class Target(Section):
    """What the autoscaler holds steady: exactly one of these."""

    cpu_percent: Percent | None = Field(
        default=None,
        description="Mean CPU use of the replicas, in percent of `resources.cpu`.",
        examples=[70],
        exclude_if=left_out,
    )
    gpu_percent: Percent | None = Field(
        default=None,
        description="Mean use of the replicas' GPUs in percent, as NVIDIA's DCGM measures it; needs `resources.gpu`.",
        examples=[70],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    requests_per_second: Amount | None = Field(
        default=None,
        description="Requests that a replica answers in a second.",
        examples=[20],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    concurrency: Amount | None = Field(
        default=None,
        description="Requests that a replica works on at the same time, those that wait included.",
        examples=[4],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    queue: Amount | None = Field(
        default=None,
        description="Requests that wait at a replica for their run of the model.",
        examples=[2],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    p95_ms: Percentile | None = Field(
        default=None,
        description="Time in milliseconds that 95 of 100 requests take at most, as the replicas measure it.",
        examples=[100],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    mean_ms: Milliseconds | None = Field(
        default=None,
        description="Mean time of a request in milliseconds, as the replicas measure it.",
        examples=[50],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in SIGNALS if getattr(self, name) is not None]
        if not given:
            raise refusal("names no signal", _ONE_SIGNAL, "write for example {cpu_percent: 70}")
        if len(given) > 1:
            problem = f"is given beside {given[0]}"
            raise refusal(problem, _ONE_SIGNAL, "keep the one that users feel", (given[1],))
        return self

    @property
    def signal(self) -> str:
        """Name of what is held steady: the field that is given."""
        return next(name for name in SIGNALS if getattr(self, name) is not None)

    @property
    def value(self) -> float:
        """What it is held at: percent, requests or milliseconds, as the signal says."""
        return float(getattr(self, self.signal))


SIGNALS = tuple(Target.model_fields)
_USE = ("cpu_percent", "gpu_percent")
"""What replicas use, whoever asks."""
_ONE_SIGNAL = f"exactly one of {', '.join(SIGNALS)}"


class Floor(Section):
    """Replicas that run at certain times, whatever the load is."""

    cron: Cron = Field(description="When the floor begins to hold, as cron writes it.", examples=["0 7 * * 1-5"])
    until: Cron = Field(description="When it holds no longer: the next of these times.", examples=["0 19 * * 1-5"])
    min: Replicas = Field(description="Replicas that run at least meanwhile.", examples=[3])
    timezone: TimeZone = Field(default="UTC", description="Time zone of both.", examples=["Europe/Berlin"])

    @model_validator(mode="after")
    def _it_begins_and_ends(self) -> Self:
        if same_times(self.cron, self.until):
            problem = f"names the same times as cron, {self.cron}: the floor would never hold"
            raise refusal(problem, "other times than those of cron", "write when the floor ends", ("until",))
        return self


class ToZero(Section):
    """No replica while nobody asks."""

    after: Seconds = Field(
        description="Without a request for so long, the last replica goes; whole seconds, at least "
        f"{format_seconds(_AFTER_LEAST_S)}.",
        examples=["15m"],
    )

    @model_validator(mode="after")
    def _in_whole_seconds(self) -> Self:
        _refuse_unless_whole(self.after, _AFTER_LEAST_S, 86400, "after")
        return self


class Scale(Section):
    """How many replicas there are."""

    min: Replicas = Field(
        default=1, description="Replicas that always run; with `to_zero`, as soon as somebody asks.", examples=[1]
    )
    max: Replicas = Field(default=1, description="Replicas at the highest load.", examples=[4])
    target: Target | None = Field(
        default=None,
        description="When to add or remove replicas; needed when `max` is above `min`, and with `to_zero`. All but "
        "`cpu_percent` need `monitoring` in the environment's settings.",
        examples=[{"cpu_percent": 70}],
    )
    schedule: tuple[Floor, ...] = Field(
        default=(),
        description="Times at which more than `min` replicas run; needs `monitoring`.",
        examples=[[{"cron": "0 7 * * 1-5", "until": "0 19 * * 1-5", "min": 3, "timezone": "Europe/Berlin"}]],
        exclude_if=empty,
        json_schema_extra=_SINCE,
    )
    to_zero: ToZero | None = Field(
        default=None,
        description="When the last replica goes; never when left out. The next request waits while one starts. Needs "
        "`endpoint.public`, a gateway and `monitoring`.",
        examples=[{"after": "15m"}],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    cool_down: Seconds = Field(
        default=COOL_DOWN_S,
        description="How long fewer replicas must have sufficed before one goes; whole seconds, at most 1h.",
        examples=["5m"],
        exclude_if=lambda value: value == COOL_DOWN_S,
        json_schema_extra={"default": "5m", **_SINCE},
    )

    @property
    def scaler(self) -> Scaler | None:
        """Kind of the only writer of the number of replicas; None where it never changes."""
        if self.schedule or self.to_zero is not None:
            return "ScaledObject"
        if self.target is None or self.max == self.min:
            return None
        return "HorizontalPodAutoscaler" if self.target.cpu_percent is not None else "ScaledObject"

    @property
    def fewest(self) -> int:
        """Replicas while nobody asks, outside of the times of `schedule`: none of a model that sleeps."""
        return 0 if self.to_zero is not None else self.min

    @model_validator(mode="after")
    def _bounds_and_target_agree(self) -> Self:
        if self.min > self.max:
            allowed = f"at most scale.max, which is {self.max}"
            raise refusal(f"{self.min} is above scale.max", allowed, "raise max or lower min", ("min",))
        if self.max > self.min and self.target is None:
            problem = f"is missing, though max {self.max} is above min {self.min}"
            raise refusal(problem, _ONE_SIGNAL, "add for example target: {cpu_percent: 70}", ("target",))
        return self

    @model_validator(mode="after")
    def _floors_fit_between_the_bounds(self) -> Self:
        # A model that goes to zero has fewer replicas than `min` at rest: a floor of `min` keeps it awake.
        least = self.min if self.to_zero is not None else self.min + 1
        for index, floor in enumerate(self.schedule):
            if floor.min > self.max:
                problem, todo = f"{floor.min} is above scale.max", "raise max or lower this min"
            elif floor.min < least:
                problem, todo = f"{floor.min} replicas run at any time, by scale.min", "raise it, or remove the entry"
            else:
                continue
            if least > self.max:
                todo = f"raise scale.max above scale.min, which is {self.min}"
            allowed = f"from {least} to scale.max, which is {self.max}"
            raise refusal(problem, allowed, todo, ("schedule", index, "min"))
        return self

    @model_validator(mode="after")
    def _zero_is_left_by_what_requests_cause(self) -> Self:
        if self.to_zero is None:
            return self
        signals = ", ".join(name for name in SIGNALS if name not in _USE)
        allowed = f"to_zero beside a target of {signals}"
        if self.target is None:
            problem = "is missing, though to_zero is given: it says when nobody asks"
            raise refusal(problem, allowed, "add for example target: {concurrency: 4}", ("target",))
        if self.target.signal in _USE:
            problem = "says nothing about requests, and no replica uses any: to_zero needs another target"
            raise refusal(problem, allowed, "write for example {concurrency: 4}", ("target", self.target.signal))
        return self

    @model_validator(mode="after")
    def _cool_down_is_what_kubernetes_takes(self) -> Self:
        _refuse_unless_whole(self.cool_down, 1, _COOL_DOWN_MOST_S, "cool_down")
        return self


def _refuse_unless_whole(seconds: float, least_s: int, most_s: int, field: str) -> None:
    """Refuse a time that Kubernetes does not take: it counts these in whole seconds."""
    if not least_s <= seconds <= most_s or seconds != int(seconds):
        problem = f"{format_seconds(seconds)} is " + ("no number of whole seconds" if seconds % 1 else "out of range")
        allowed = f"whole seconds, from {format_seconds(least_s)} to {format_seconds(most_s)}"
        raise refusal(problem, allowed, f"write for example {field}: 5m", (field,))

"""The plan of a rollout, which `slipway up` writes: what is compared, in which steps, by which rules."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class PlanError(Exception):
    """The plan cannot be read; the message names the key, its value and what is allowed."""


class _Part(BaseModel):
    # A newer `up` may write more than this judge reads.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Side(_Part):
    """One of the two releases.

    Attributes:
        version: as the spec has it.
        release: its digest.
        service: the Service that only its pods stand behind.
    """

    version: str
    release: str
    service: str


class WeightedRules(_Part):
    """Which rules of the route the weights are set in: each has the old Service first and the new one second.

    Attributes:
        weight: what the two weights of a rule add up to.
        weighted: index of the rule that shares the calls out.
        following: indices of those that give all calls to the new release as soon as any client has it.
    """

    weight: int = Field(ge=1)
    weighted: int = Field(ge=0)
    following: tuple[int, ...]


class Rules(_Part):
    """What the new release must not exceed.

    Attributes:
        errors: by how much the share of errors may be above the old release's, 0..1.
        p95_ms: answers up to this time are never too slow, milliseconds; None: only the old release's count.
        agreement: the least share of pairs of answers that agree, 0..1; None: answers are not compared.
        tolerance: floats differ when they are further apart than this, times the old one where that is above 1.
        outputs: which outputs are compared; None: all of the old release's.
        least_requests: no measure passes with fewer.
    """

    errors: float = Field(ge=0, le=1)
    p95_ms: float | None = Field(gt=0)
    agreement: float | None = Field(gt=0, lt=1)
    tolerance: float = Field(ge=0)
    outputs: tuple[str, ...] | None
    least_requests: int = Field(ge=1)


class Clusters(_Part):
    """The names that Envoy's metrics have for the calls to each release."""

    old: tuple[str, ...]
    new: tuple[str, ...]


class Plan(_Part):
    """A whole rollout.

    Attributes:
        id: tells this rollout from any other of the model.
        steps: share of the calls that the new release answers in each step, 0..1; the first is 0: replayed calls alone.
        hold_s: least time of a step, seconds.
        deadline_s: most time of a step, seconds.
        port: of both Services.
        shadow: share of the calls that the gateway mirrors, 0..1.
        timeout_s: how long a call of this model may take, seconds.
        prometheus: its URL.
    """

    id: str = Field(min_length=1)
    model: str
    namespace: str
    old: Side
    new: Side
    port: int = Field(ge=1, le=65_535)
    steps: tuple[float, ...] = Field(min_length=2)
    hold_s: float = Field(gt=0)
    deadline_s: float = Field(gt=0)
    shadow: float = Field(gt=0, le=1)
    judge: Rules
    timeout_s: float = Field(gt=0)
    route: WeightedRules
    clusters: Clusters
    prometheus: str

    @model_validator(mode="after")
    def _steps_rise(self) -> Self:
        rising = all(low < high for low, high in zip(self.steps, self.steps[1:], strict=False))
        if self.steps[0] != 0 or self.steps[-1] != 1 or not rising:
            raise ValueError("steps: allowed: rising shares from 0.0 to 1.0")
        return self


def read_plan(text: str) -> Plan:
    """Return the plan in a text of JSON.

    Raises:
        PlanError: it is not one.
    """
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "plan.json"
        raise PlanError(f"plan.json: {where}: {first['msg']}; written by `slipway up`, run it again") from None

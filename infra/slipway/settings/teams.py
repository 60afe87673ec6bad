"""Define what settings say of teams that share an environment's nodes: who goes first, and how much each may take."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from slipway.settings.values import line
from slipway.values.quantities import Bytes, Millicores, refusal
from slipway.values.section import Section, left_out, number

PRIORITY_LEAST = -10
"""Pods below it are nothing to cluster-autoscaler: it starts no node for them (its default of
--expendable-pods-priority-cutoff)."""
PRIORITY_MOST = 1_000_000
"""Kubernetes leaves a thousand times as much to its users; what is above that is the system's."""

TeamName = Annotated[str, *line(63, "vision")]
"""As a spec's `owner` says it."""


class Quota(Section):
    """The most that a team's pods may ask for together, those that an update starts and stops included."""

    cpu: Millicores | None = Field(
        default=None,
        description="CPU of all pods together; any when left out.",
        examples=["8"],
        exclude_if=left_out,
    )
    memory: Bytes | None = Field(
        default=None,
        description="Memory of all pods together; any when left out.",
        examples=["32Gi"],
        exclude_if=left_out,
    )
    gpus: Annotated[int, *number(0, 100_000)] | None = Field(
        default=None,
        description="GPUs of all pods together, or parts of GPUs where pools share them; any when left out.",
        examples=[2],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _something_is_limited(self) -> Self:
        if not self.model_fields_set:
            raise refusal("limits nothing", "cpu, memory or gpus", 'write for example {cpu: "8"}, or leave quota out')
        return self


class Team(Section):
    """A team whose models share the environment's nodes with those of other teams."""

    priority: Annotated[int, *number(PRIORITY_LEAST, PRIORITY_MOST)] = Field(
        description="Who goes first where nodes are full: pods of a higher priority preempt those of a lower one. Pods "
        "that are no model's have 0 unless somebody gave them another.",
        examples=[100],
    )
    quota: Quota | None = Field(
        default=None,
        description="The most that the team's pods may ask for together; no limit when left out.",
        examples=[{"cpu": "8", "memory": "32Gi", "gpus": 2}],
        exclude_if=left_out,
    )


def _some(teams: dict[str, Team]) -> dict[str, Team]:
    if not teams:
        raise refusal(
            "names no team", "at least one team", "write for example vision: {priority: 100}, or leave it out"
        )
    return teams


Teams = Annotated[dict[TeamName, Team], AfterValidator(_some)]
TEAMS = Field(
    default=None,
    description="Teams that share the nodes, by the `owner` of their specs; every model is equal when left out.",
    examples=[{"vision": {"priority": 100, "quota": {"cpu": "8"}}, "batch": {"priority": 10}}],
    exclude_if=left_out,
    json_schema_extra={"since": "0.2"},
)
"""The field `teams`, the same of every kind of environment."""

"""What deploying needs from the outside: an engine that runs stacks, a cluster, and a judge of answers.

The real ones are `slipway.engine.engine.Engine`, `slipway.cluster.api.Cluster` and `slipway.deploy.judge.verify`. Tests
put fakes in their places that refuse what those refuse; a rehearsal puts a judge where nobody can answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from slipway.artifacts.golden_request import GoldenRequest
from slipway.deploy.verdict import Verdict
from slipway.engine.events import Outcome
from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.plan.rollout import RolloutPlan, Stage
from slipway.values.aliases import Json, Tell

Items = list[Json]
Program = Callable[[], None]


class StackEngine(Protocol):
    """Runs one operation on one stack; see `slipway.engine.engine.Engine` for what each raises."""

    def up(self, stack: str, program: Program, report: Tell, *, new: bool, refresh: bool = False) -> Outcome:
        """Create or update a stack; returns when its objects are applied, not when they serve."""
        ...

    def destroy(self, stack: str, report: Tell, *, keep_protected: bool = False) -> Outcome | None:
        """Delete everything in a stack, then the stack; None when there is no such stack."""
        ...


class ClusterApi(Protocol):
    """One namespace of one cluster; see `slipway.cluster.api.Cluster` for what each raises."""

    namespace: str

    def read(self, kind: str, name: str) -> Json | None:
        """Return one object, or None when there is none of that name."""
        ...

    def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, accept: str = "application/json"
    ) -> bytes:
        """Send one request and return the body of its answer."""
        ...

    def list(self, kind: str, selector: str = "", fields: str = "") -> list[Json]:
        """Return all objects of a kind that match."""
        ...

    def names(self, kind: str, selector: str) -> tuple[str, ...]:
        """Return the names of all objects of a kind which carry the labels."""
        ...

    def metadata(self, kind: str, selector: str) -> Items:
        """Return all objects of a kind which carry the labels, without their content."""
        ...

    def apply(self, manifest: Json, field_manager: str) -> Json:
        """Server-side apply of one object."""
        ...

    def create(self, manifest: Json) -> Json:
        """Create one object."""
        ...

    def replace(self, manifest: Json) -> Json:
        """Replace one object that has not changed since it was read."""
        ...

    def delete(self, kind: str, name: str, *, resource_version: str | None = None) -> None:
        """Delete one object; one that is not there is fine."""
        ...

    def through_service(
        self,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        port: str = "http",
    ) -> bytes:
        """Send a request to a Service by way of the API server."""
        ...

    def through_pod(self, pod: str, port: int, path: str, body: bytes, content_type: str, timeout_s: float) -> bytes:
        """Post a body to a server in a pod."""
        ...


class Judge(Protocol):
    """Judges whether a release answers correctly; raises `WrongAnswer` when it does not."""

    def __call__(
        self,
        cluster: ClusterApi,
        model: str,
        check: GoldenRequest,
        release: str | None,
        *,
        service: str | None = None,
        by: tuple[str, str] | None = None,
    ) -> Verdict:
        """Judge a model by its golden request, answered by `release` (any, when None), at its Service or at another.

        `by`: a model that a pipeline asks, and the release of it that has to be asked.
        """
        ...


@dataclass(frozen=True)
class Programs:
    """What the stacks run: a model from its plan, a release as it once was, or a new one beside it.

    `rollout` gets the old release, the plan of the new one, the rollout, the replicas of each, the stage, and who is
    told of the progress.
    """

    model: Callable[[ModelPlan, Tell], Program]
    release: Callable[[str, Release], Program]
    rollout: Callable[[Release, ModelPlan, RolloutPlan, int, Stage, Tell], Program]

"""Gather what controls are held against: the plan, what is live, the state of the environment's stack, the trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.controls.live import LiveState
from slipway.environments.planning.custody import Custody
from slipway.environments.planning.kinds import planning
from slipway.history.verify import Verified
from slipway.plan.model import Plan
from slipway.policy.resource import UNKNOWN, Resource, of_manifests
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key by which Pulumi marks a special value in a state
NOT_LIVE = "nothing live was read"
_OUTSIDE = ("pulumi:", "slipway:")
"""Types of what is in a state and in no cloud: the stack, its providers, components."""


@dataclass(frozen=True)
class CloudState:
    """What the state of the environment's own stack says was made in a cloud.

    Attributes:
        resources: of its provider, with the properties that the cloud answered.
        provider: what encrypts secrets of the state: `passphrase`, `cloud`; None where it does not say.
        refreshed: whether the engine has just read all of them from the cloud.
        drifted: names of properties that are no longer as the state has them, by type and name of the resource.
        reason: why they were not read from the cloud now.
    """

    resources: tuple[Resource, ...]
    provider: str | None
    refreshed: bool = False
    drifted: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True)
class Signature:
    """What cosign said of a live model's image; `problem` None where the signature is right."""

    image: str
    problem: str | None


@dataclass(frozen=True)
class Inputs:
    """All that is looked at.

    Attributes:
        plan: of the environment.
        planned: every Kubernetes object as it would be applied.
        secrets: Pulumi's keys of the settings file.
        live: what the cluster has, or why nobody could see it.
        cloud: what its stack made in a cloud; None where it makes nothing there, a reason where nobody could see it.
        trail: what verifying the audit trail found, or why it could not be.
        signatures: of live models, where the environment signs.
    """

    plan: Plan
    planned: tuple[Resource, ...]
    secrets: Mapping[str, str]
    live: LiveState | str
    cloud: CloudState | str | None
    trail: Verified | str
    signatures: Mapping[str, Signature] = field(default_factory=dict)

    @property
    def custody(self) -> Custody:
        """Who holds the environment."""
        return planning(self.plan.settings).custody

    @property
    def has_gateway(self) -> bool:
        """Whether clients come in by a gateway of the environment's own."""
        return planning(self.plan.settings).gateway is not None


def planned_objects(plan: Plan) -> tuple[Resource, ...]:
    """The objects of the environment and of its models, as they would be applied, with digests of zeros."""
    manifests = [*render_environment(plan)]
    for model in plan.models:
        manifests += render_model(model, placeholder_image(model))
    return tuple(of_manifests(manifests))


def cloud_state(state: Mapping[str, Any]) -> CloudState:
    """What a state, as the CLI exports it, says was made; what is encrypted in it stays unknown."""
    deployment = state.get("deployment") or {}
    found = []
    for one in deployment.get("resources") or []:
        type_ = one["type"]
        if type_.startswith(_OUTSIDE) or one.get("delete"):
            continue
        found.append(Resource(type_, one["urn"].rpartition("::")[2], _plain(one.get("outputs") or {})))
    provider = (deployment.get("secrets_providers") or {}).get("type")
    return CloudState(tuple(found), provider)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return UNKNOWN if _SECRET in value else {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return value

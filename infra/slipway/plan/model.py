"""Contain what is planned: every name, digest, node pool and bound of an environment, and the same as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slipway.artifacts.golden_request import GoldenRequest
from slipway.capacity.estimates import Estimates
from slipway.capacity.placement import Rollout
from slipway.compatibility.contents import Contents
from slipway.delivery.samples import Samples
from slipway.delivery.ways import Delivery
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.model_store import ModelStore
from slipway.environments.planning.monitoring import Monitoring
from slipway.environments.planning.pool import Pool
from slipway.errors.base import Place, UnknownName
from slipway.lockfile.files import Locked
from slipway.plan.image import ImagePlan
from slipway.plan.judged import JudgedRollout
from slipway.plan.release import Origin
from slipway.plan.timing import Timing
from slipway.plan.traffic import Traffic
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec
from slipway.spec.scale import Scaler
from slipway.values import names


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Everything about one model in one environment.

    Attributes:
        environment: name of the environment.
        name: name of the model, of its objects and of its Service.
        version: semantic version.
        spec: merged for the environment; its `environments` are empty.
        namespace: of all its objects.
        labels: on every object.
        selector: labels that select its pods.
        service_type: ClusterIP, NodePort or LoadBalancer.
        pool: the node pool that its pods run on.
        pool_reason: why that one, for people: first what is good about it, then why no other.
        rollout: how an update rolls.
        floor_on_spot: how many of the minimum replicas need nodes that may be reclaimed.
        timing: limits of a replica's life.
        estimates: its cold start and its cost.
        image: what its pods run.
        delivery: how its weights get there.
        check: its golden request.
        server_config: the model server's configuration as JSON values, `release` among them.
        release_digest: sha256 over all that the release is made of; equal digests need no deployment.
        origin: what the release is made by and from.
        contents: what the version has in it, as far as its number promises something about it.
        warnings: what the user should know though it is not wrong.
        pull_secret: name of the Secret that its pods pull images with, or None.
        gated: whether its server takes calls from the environment's gateway only.
        fenced: whether its port is closed to all others instead, since its server checks no pass.
        traffic: the route that leads to it; None for a model that no route leads to.
        monitoring: what its autoscaling asks; None where it can follow CPU alone.
        priority_class: of its pods; None where the environment has no teams.
        locked: the lock that its weights are known by; they may not be on this machine.
        samples: what is kept of its requests, and where; None for nothing.
        others: on a fleet, the same image for the other architectures of its devices, by architecture.
    """

    environment: str
    name: str
    version: str
    spec: ModelSpec
    namespace: str
    labels: dict[str, str]
    selector: dict[str, str]
    service_type: str
    pool: Pool
    pool_reason: tuple[str, ...]
    rollout: Rollout
    floor_on_spot: int
    timing: Timing
    estimates: Estimates
    image: ImagePlan
    delivery: Delivery
    check: GoldenRequest
    server_config: dict[str, Any]
    release_digest: str
    origin: Origin
    contents: Contents
    warnings: tuple[str, ...]
    pull_secret: str | None = None
    gated: bool = False
    fenced: bool = False
    traffic: Traffic | None = None
    monitoring: Monitoring | None = None
    priority_class: str | None = None
    locked: Locked | None = None
    samples: Samples | None = None
    others: Mapping[str, ImagePlan] = field(default_factory=dict)

    @property
    def stack(self) -> str:
        """The model's Pulumi stack."""
        return names.stack(self.environment, self.name)

    @property
    def images(self) -> dict[str, ImagePlan]:
        """Its image for each architecture that it runs on."""
        return {self.spec.resources.architecture: self.image, **self.others}

    @property
    def release(self) -> str:
        """The release as labels show it: 16 hex digits."""
        return names.short(self.release_digest)

    @property
    def scaler(self) -> Scaler | None:
        """Kind of the object that sets the replicas, their only writer then; None where the Deployment says them."""
        return self.spec.scale.scaler

    @property
    def autoscaled(self) -> bool:
        """Whether an autoscaler sets the replicas."""
        return self.scaler is not None

    @property
    def judged(self) -> JudgedRollout | None:
        """What happens while a new release is judged beside the old one; None where none is."""
        cost = self.estimates.cost
        # No judged model sleeps: what it costs at least is what `scale.min` replicas cost.
        hourly_usd = None if cost is None else cost.at_min / self.spec.scale.min * self.rollout.candidate
        return JudgedRollout.of(self.spec.rollout, self.rollout, hourly_usd)

    @property
    def reached(self) -> ModelStore | None:
        """The model store, where its pods fetch weights from it or store samples in it."""
        stored = self.delivery.stored
        return stored.store if stored is not None else self.samples.store if self.samples is not None else None

    @property
    def alerts(self) -> bool:
        """Whether it scales on metrics of Prometheus, which may be missing."""
        target = self.spec.scale.target
        return self.scaler == "ScaledObject" and target is not None and target.cpu_percent is None

    @property
    def has_rules(self) -> bool:
        """Whether Prometheus is given rules about it: it scales on metrics, or somebody is to be told of something."""
        spec = self.spec
        told = spec.slo is not None or spec.drift is not None
        return self.alerts or told or (spec.quality is not None and spec.quality.alert is not None)

    @property
    def max_body(self) -> int:
        """Bytes of the largest body of a request; a spec that names none was given one when it was loaded."""
        if self.spec.endpoint.max_body is None:
            raise ValueError(f"the plan of {self.name} has no endpoint.max_body")
        return self.spec.endpoint.max_body

    def to_json(self) -> dict[str, Any]:
        """As JSON values, without paths of this machine."""
        return {
            "name": self.name,
            "version": self.version,
            "stack": self.stack,
            "release": self.release_digest,
            "namespace": self.namespace,
            "labels": self.labels,
            "selector": self.selector,
            "serviceType": self.service_type,
            "scaler": self.scaler,
            **({"route": self.traffic.to_json()} if self.traffic is not None else {}),
            "pool": {"name": self.pool.name, "reason": "; ".join(self.pool_reason)},
            **({"priorityClass": self.priority_class} if self.priority_class is not None else {}),
            "rollout": {
                "maxSurge": self.rollout.max_surge,
                "maxUnavailable": self.rollout.max_unavailable,
                **({"strategy": "recreate"} if self.rollout.recreate else {}),
                **({} if self.judged is None else self.judged.to_json()),
            },
            "timing": {
                "startSeconds": self.timing.start_s,
                "drainSeconds": self.timing.drain_s,
                "graceSeconds": self.timing.grace_s,
                "deadlineSeconds": self.timing.deadline_s,
            },
            "floorOnSpot": self.floor_on_spot,
            "estimates": self.estimates.to_json(),
            "image": {
                "repository": self.image.repository,
                "tag": self.image.tag,
                **self.image.below.to_json(),
                "inputs": self.image.inputs_digest,
                "files": [file.image_path for file in self.image.files],
                **({"pullSecret": self.pull_secret} if self.pull_secret is not None else {}),
            },
            **({} if self.delivery.stored is None else {"delivery": self.delivery.to_json()}),
            "server": self.server_config,
            "spec": self.spec.model_dump(mode="json", exclude={"environments"}),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """An environment's models, sorted by name, and what the user should know about them together."""

    environment: str
    settings: AnySettings
    models: tuple[ModelPlan, ...]
    warnings: tuple[str, ...] = ()

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The environment's pools, in the order of its settings."""
        return planning(self.settings).pools

    def select(self, wanted: Sequence[str]) -> "Plan":
        """The plan of some of its models only; names that it does not have are passed over."""
        return replace(self, models=tuple(model for model in self.models if model.name in wanted))

    def find(self, name: str, models_dir: Path) -> ModelPlan:
        """The plan of one model; `UnknownName` when no spec of `models_dir` has that name here."""
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownName(Place(str(models_dir)), "model", name, [model.name for model in self.models])

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "environment": self.environment,
            "settings": self.settings.model_dump(mode="json"),
            "models": [model.to_json() for model in self.models],
            "warnings": list(self.warnings),
        }

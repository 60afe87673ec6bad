"""Plan an environment: specs and settings -> every name, digest, node pool and bound, as a pure function."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from infra import names
from infra.aws_settings import AnySettings, AwsSettings
from infra.estimates import estimates, node_start_s
from infra.load import LoadedSpec
from infra.placement import Placed, Rollout, crowded, place
from infra.planned import ImageFile, ImagePlan, ModelPlan, Plan, RuntimeImagePlan, Timing
from infra.pools import Pool, pools
from infra.sources import REQUIREMENTS, SERVER_SOURCE, CodeDigests
from infra.spec import ModelSpec
from infra.variant import Variant
from infra.versions import SERVER_PORT

__all__ = ["ImageFile", "ImagePlan", "ModelPlan", "Plan", "RuntimeImagePlan", "Timing", "plan"]

STOP_MARGIN_S = 5.0
START_BASE_S = 60.0
START_S_PER_GIB = 30.0
PULL_S = 240.0
NODE_MARGIN = 2
"""The start of a node is an estimate; an update waits so many times as long before it has failed."""
GPU_RESOURCE = "nvidia.com/gpu"
CPU_ONLY_WARNING = (
    "resources.gpu: the image has ONNX Runtime for CPUs; the pod gets its GPUs and a node that has them, but computes "
    "on the CPU until there is an image with ONNX Runtime for GPUs"
)


def plan(environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], code: CodeDigests) -> Plan:
    """Plan all models of an environment.

    Args:
        environment: its name.
        settings: its settings.
        loaded: all specs that are deployed to it: GPUs that one gets, another cannot have.
        code: digests of what Slipway itself adds to an image and to manifests.

    Raises:
        UserErrors: for each model that no pool can hold, that has no room beside the others, or whose update could
            never finish.
    """
    there = pools(settings)
    placed = sorted(place(environment, there, loaded), key=lambda one: one.variant.spec.name)
    models = tuple(_model(environment, settings, one, code) for one in placed)
    return Plan(environment, settings, models, tuple(_crowded(there, models)))


def _crowded(there: Sequence[Pool], models: Sequence[ModelPlan]) -> Iterator[str]:
    for pool in there:
        warning = crowded(pool, [(model.name, model.spec) for model in models if model.pool.name == pool.name])
        if warning is not None:
            yield warning


def _model(environment: str, settings: AnySettings, placed: Placed, code: CodeDigests) -> ModelPlan:
    variant, pool = placed.variant, placed.pool
    spec = variant.spec.model_copy(update={"environments": {}})
    image = _image(environment, settings, variant, code)
    config = _server_config(variant)
    timing = _timing(variant, pool, placed.rollout)
    digest = _digest(
        {
            "environment": environment,
            "spec": spec.model_dump(mode="json", exclude={"environments", "exceptions"}),
            "settings": {"namespace": settings.namespace, "service_type": settings.service_type},
            "pool": _pool_of_release(pool, spec),
            "rollout": [placed.rollout.max_surge, placed.rollout.max_unavailable],
            "image": [image.repository, image.inputs_digest],
            "config": config,
            "manifests": code.manifests,
        }
    )
    return ModelPlan(
        environment=environment,
        name=spec.name,
        version=spec.version,
        spec=spec,
        namespace=settings.namespace,
        labels=names.model_labels(environment, spec.name, spec.version, digest),
        selector=names.selector(spec.name),
        service_type=settings.service_type,
        pool=pool,
        pool_reason=placed.reason,
        rollout=placed.rollout,
        floor_on_spot=placed.floor_on_spot,
        timing=timing,
        estimates=estimates(pool, spec, variant.artifact.size),
        image=image,
        server_config=config | {"release": digest},
        release_digest=digest,
        warnings=(*((CPU_ONLY_WARNING,) if spec.resources.gpu else ()), *placed.warnings),
    )


def _pool_of_release(pool: Pool, spec: ModelSpec) -> dict[str, Any]:
    """What of a pool is part of its models' releases: not its size, so that resizing a pool restarts no pod."""
    values = {"selector": pool.selector, "taints": [taint.model_dump(mode="json") for taint in pool.taints]}
    if spec.resources.gpu and pool.gpu and pool.gpu.resource != GPU_RESOURCE:
        values["gpu"] = pool.gpu.resource
    return values


def _image(environment: str, settings: AnySettings, variant: Variant, code: CodeDigests) -> ImagePlan:
    made_of = [settings.base_image, variant.artifact.sha256, code.image, *_architecture(variant)]
    digest = _digest(made_of)
    weights = tuple(
        ImageFile(f"model/{file.name}", f"/model/{file.name}", file.path, {"": file.sha256})
        for file in variant.artifact.files
    )
    server = ImageFile("server/slipway_server", "/opt/slipway/server/slipway_server", SERVER_SOURCE, code.server)
    repository = _repository(environment, settings, variant.spec.name)
    runtime = _runtime(environment, settings, variant, code)
    return ImagePlan(repository, names.short(digest), runtime, (*weights, server), digest)


def _runtime(environment: str, settings: AnySettings, variant: Variant, code: CodeDigests) -> RuntimeImagePlan:
    digest = _digest([settings.base_image, code.requirements, code.runtime, *_architecture(variant)])
    return RuntimeImagePlan(
        repository=_repository(environment, settings, names.runtime_repository(variant.spec.runtime)),
        tag=names.short(digest),
        base_image=settings.base_image,
        architecture=variant.spec.resources.architecture,
        requirements=REQUIREMENTS,
        requirements_digest=code.requirements,
    )


def _repository(environment: str, settings: AnySettings, name: str) -> str:
    """A repository of images; in AWS each environment makes and deletes its own."""
    own = environment if isinstance(settings, AwsSettings) else None
    return names.image_repository(settings.registry, name, own)


def _architecture(variant: Variant) -> tuple[str, ...]:
    """What the architecture adds to an image's digest: nothing where it is the usual one."""
    architecture = variant.spec.resources.architecture
    return () if architecture == "amd64" else (architecture,)


def _server_config(variant: Variant) -> dict[str, Any]:
    spec = variant.spec
    return {
        "model": {
            "name": spec.name,
            "version": spec.version,
            "path": f"/model/{variant.artifact.files[0].name}",
        },
        "host": "0.0.0.0",  # noqa: S104 - inside the pod; the NetworkPolicy says who gets there
        "port": SERVER_PORT,
        "max_body_bytes": spec.endpoint.max_body,
        "timeout_s": spec.endpoint.timeout,
        "drain_s": spec.rollout.drain,
        "batch": spec.batching.server_config(),
        "check": {
            "request": variant.request,
            "expect": spec.check.expect,
            "timeout_s": spec.check.timeout,
        },
    }


def _timing(variant: Variant, pool: Pool, how: Rollout) -> Timing:
    start = START_BASE_S + START_S_PER_GIB * variant.artifact.size / 2**30 + variant.spec.check.timeout
    drain_s = variant.spec.rollout.drain
    grace = math.ceil(drain_s + variant.spec.endpoint.timeout + STOP_MARGIN_S)
    # Where an old pod goes first, its successor waits until it has gone.
    before = NODE_MARGIN * node_start_s(pool) + (0 if how.max_surge else grace)
    return Timing(
        start_s=math.ceil(start), drain_s=drain_s, grace_s=grace, deadline_s=math.ceil(start + PULL_S) + before
    )


def _digest(value: object) -> str:
    """The sha256 of JSON values, the same in every process and on every machine."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

"""Plan an environment: specs and settings -> every name, digest, node pool and bound, as a pure function."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any

from infra import names
from infra.load import LoadedSpec
from infra.placement import Placed, lacks, place
from infra.planned import ImageFile, ImagePlan, ModelPlan, Plan, RuntimeImagePlan, Timing
from infra.settings import NodePool, Settings
from infra.sources import REQUIREMENTS, SERVER_SOURCE, CodeDigests
from infra.spec import ModelSpec
from infra.variant import Variant
from infra.versions import SERVER_PORT

__all__ = ["ImageFile", "ImagePlan", "ModelPlan", "Plan", "RuntimeImagePlan", "Timing", "plan"]

DRAIN_S = 5.0
"""A stopping server goes on answering for as long as the last node may take to stop sending it new requests."""
STOP_MARGIN_S = 5.0
BATCH_MAX_SIZE = 32
BATCH_MAX_WAIT_MS = 2.0
START_BASE_S = 60.0
START_S_PER_GIB = 30.0
PULL_S = 240.0
CPU_ONLY_WARNING = (
    "resources.gpu: the image has ONNX Runtime for CPUs; the pod gets its GPUs and a node that has them, but computes "
    "on the CPU until there is an image with ONNX Runtime for GPUs"
)


def plan(environment: str, settings: Settings, loaded: Sequence[LoadedSpec], code: CodeDigests) -> Plan:
    """Plan all models of an environment.

    Args:
        environment: its name.
        settings: its settings.
        loaded: all specs that are deployed to it: GPUs that one gets, another cannot have.
        code: digests of what Slipway itself adds to an image and to manifests.

    Raises:
        UserErrors: for each model that no pool can hold, or whose update could never finish.
    """
    models = (_model(environment, settings, placed, code) for placed in place(environment, settings, loaded))
    return Plan(environment, settings, tuple(sorted(models, key=lambda model: model.name)))


def _model(environment: str, settings: Settings, placed: Placed, code: CodeDigests) -> ModelPlan:
    variant, pool, how = placed.variant, placed.pool, placed.rollout
    spec = variant.spec.model_copy(update={"environments": {}})
    image = _image(settings, variant, code)
    config = _server_config(variant)
    timing = _timing(variant)
    digest = _digest(
        {
            "environment": environment,
            "spec": spec.model_dump(mode="json", exclude={"environments"}),
            "settings": settings.model_dump(mode="json", include={"namespace", "service_type"}),
            "pool": pool.model_dump(mode="json", include={"selector", "taints"}),
            "rollout": [how.max_surge, how.max_unavailable],
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
        pool_reason=_why(settings, pool, spec),
        rollout=how,
        timing=timing,
        image=image,
        server_config=config | {"release": digest},
        release_digest=digest,
        warnings=(CPU_ONLY_WARNING,) if spec.resources.gpu else (),
    )


def _why(settings: Settings, pool: NodePool, spec: ModelSpec) -> str:
    others = [
        f"{other.name} does not fit ({', '.join(reasons)})"
        for other in settings.node_pools
        if other is not pool and (reasons := lacks(other, spec.resources))
    ]
    first = "the only pool" if len(settings.node_pools) == 1 else "the smallest pool that fits"
    return "; ".join([first, *others])


def _image(settings: Settings, variant: Variant, code: CodeDigests) -> ImagePlan:
    digest = _digest([settings.base_image, variant.artifact.sha256, code.image])
    weights = tuple(
        ImageFile(f"model/{file.name}", f"/model/{file.name}", file.path) for file in variant.artifact.files
    )
    server = ImageFile("server/slipway_server", "/opt/slipway/server/slipway_server", SERVER_SOURCE)
    repository = names.image_repository(settings.registry, variant.spec.name)
    return ImagePlan(repository, names.short(digest), _runtime(settings, variant, code), (*weights, server), digest)


def _runtime(settings: Settings, variant: Variant, code: CodeDigests) -> RuntimeImagePlan:
    digest = _digest([settings.base_image, code.requirements, code.runtime])
    return RuntimeImagePlan(
        repository=names.image_repository(settings.registry, f"runtime-{variant.spec.runtime}"),
        tag=names.short(digest),
        base_image=settings.base_image,
        requirements=REQUIREMENTS,
        requirements_digest=code.requirements,
    )


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
        "drain_s": DRAIN_S,
        "batch": {"max_size": BATCH_MAX_SIZE, "max_wait_ms": BATCH_MAX_WAIT_MS},
        "check": {
            "request": variant.request,
            "expect": spec.check.expect,
            "timeout_s": spec.check.timeout,
        },
    }


def _timing(variant: Variant) -> Timing:
    start = START_BASE_S + START_S_PER_GIB * variant.artifact.size / 2**30 + variant.spec.check.timeout
    return Timing(
        start_s=math.ceil(start),
        drain_s=DRAIN_S,
        grace_s=math.ceil(DRAIN_S + variant.spec.endpoint.timeout + STOP_MARGIN_S),
        deadline_s=math.ceil(start + PULL_S),
    )


def _digest(value: object) -> str:
    """The sha256 of JSON values, the same in every process and on every machine."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

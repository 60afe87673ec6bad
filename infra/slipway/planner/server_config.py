"""Plan what a model's server is told: the file server.json, without the release that it is of."""

from typing import Any

from slipway.artifacts.golden_request import GoldenRequest
from slipway.capacity.gpus import tensor_bytes
from slipway.catalog.pod_contract import GATE_FILE, GATE_FOLDER, SERVICE_PORT
from slipway.environments.planning.pool import Pool
from slipway.loading.variant import Variant
from slipway.planner.drift import drift_config
from slipway.planner.own_servers import wanted_of
from slipway.runtimes.base import Served
from slipway.runtimes.registry import LLAMA, RUNTIMES, weights_folder
from slipway.spec.others.own import server_of_others


def server_config(variant: Variant, check: GoldenRequest, namespace: str, pool: Pool, *, gated: bool) -> dict[str, Any]:
    """The configuration of a model's server as JSON values; `gated`: whether it takes calls with a pass only."""
    spec, files = variant.spec, variant.artifact.files
    runtime = RUNTIMES[spec.runtime]
    gate = {"gate": {"public_key": f"{GATE_FOLDER}/{GATE_FILE}"}} if gated else {}
    asked = list(spec.resources.cpu_features) if spec.own_server is None else []
    features = {"cpu_features": asked} if asked else {}
    served = Served(
        name=spec.name,
        version=spec.version,
        weights=f"{weights_folder(spec.runtime)}/{files[0].name}" if files else None,
        max_body=spec.endpoint.max_body,
        timeout_s=spec.endpoint.timeout,
        drain_s=spec.rollout.drain,
        batch=spec.batching.server_config(),
        check=check,
        pipeline=_pipeline(variant, namespace),
        grpc=spec.endpoint.grpc,
        around={**(variant.around.sections if variant.around is not None else {}), **drift_config(variant)},
        language=_language(variant),
        signature=variant.artifact.signature if runtime.signature_in_lock else None,
        gpu_memory=tensor_bytes(pool, spec),
    )
    made = server_of_others(spec.runtime)
    return (
        gate | features | (runtime.configuration(served) if made is None else made.started(served, wanted_of(variant)))
    )


def _language(variant: Variant) -> dict[str, Any] | None:
    """What the server of a language model is told of it; None for all others."""
    spec = variant.spec
    return spec.language.server_config(weights_folder(spec.runtime)) if spec.runtime == LLAMA else None


def _pipeline(variant: Variant, namespace: str) -> dict[str, Any] | None:
    """What the server of a pipeline is told of it; None for a model with weights."""
    if variant.pipeline is None:
        return None
    services = f"http://{{model}}.{namespace}.svc:{SERVICE_PORT}"
    return variant.pipeline.document() | {"services": services}

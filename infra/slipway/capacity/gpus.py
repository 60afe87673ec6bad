"""Say what a model does with the GPUs that it gets: how much of their memory, and what a person should know."""

from collections.abc import Iterator, Sequence

from slipway.capacity.placement import Placed
from slipway.environments.planning.pool import Pool
from slipway.errors.base import UserError, UserErrors, WrongValue
from slipway.loading.specs import LoadedSpec
from slipway.runtimes.registry import RUNTIMES
from slipway.spec.model import ModelSpec
from slipway.values.quantities import format_bytes

CONTEXT_BYTES = 512 * 2**20
"""What a process takes of a GPU before its first tensor: CUDA's context and the kernels of its libraries. An assumption
until tests/gpu has measured it."""
MARGIN_PARTS = 8
"""One part in so many is left for what operators take beside tensors, and because a card that is sold with 16 GiB shows
15. An assumption until tests/gpu has measured it."""


def tensor_bytes(pool: Pool, spec: ModelSpec) -> int | None:
    """Bytes of its GPU that a replica's tensors may take, weights included; None where it computes on CPUs.

    Of the unit that the pool offers: the GPU, the slice of it, or its even share where replicas take turns.
    """
    if pool.gpu is None or not spec.computes_on_gpu:
        return None
    return pool.gpu.memory - CONTEXT_BYTES - pool.gpu.memory // MARGIN_PARTS


def advice(pool: Pool, spec: ModelSpec) -> Iterator[str]:
    """Yield what a person should know of the GPUs of a model."""
    runtime, asked = RUNTIMES[spec.runtime], spec.resources.gpu
    if asked is None:
        return
    if not spec.computes_on_gpu:
        yield f"resources.gpu: {runtime.without_gpu}"
    elif runtime.image is not None:
        if not runtime.proven_on_gpu:
            yield (
                f"resources.gpu: this version of runtime {runtime.name} has never run on a GPU; a pod that cannot "
                "compute on its GPU does not become ready (docs/gpu.md)"
            )
        if asked.count > 1:
            idle = asked.count - 1
            yield f"resources.gpu.count: a replica computes on one GPU; {idle} of its {asked.count} stand idle"
    if pool.gpu is not None and not pool.gpu.isolated:
        most = tensor_bytes(pool, spec)
        held = "" if most is None else f"each keeps its tensors within {format_bytes(most)}, and "
        yield (
            f"resources.gpu: replicas take turns on a GPU of pool {pool.name}; {held}nothing stops one of them from "
            "using all of its memory"
        )


def refuse_gpus(environment: str, loaded: Sequence[LoadedSpec], placed: Sequence[Placed]) -> None:
    """Refuse what the GPUs of a model's pool cannot do.

    Raises:
        UserErrors: for each model whose weights alone are more than its tensors may take there, or that is to scale on
            the use of a GPU that it shares.
    """
    specs = {one.name: one for one in loaded}
    bad = [
        error
        for one in placed
        for error in (*_too_large(environment, specs, one), *_unmeasured(environment, specs, one))
    ]
    if bad:
        raise UserErrors(bad)


def _too_large(environment: str, specs: dict[str, LoadedSpec], one: Placed) -> Iterator[UserError]:
    spec, pool = one.variant.spec, one.pool
    most, size = tensor_bytes(pool, spec), one.variant.artifact.size
    if most is None or spec.resources.gpu is None or size <= most:
        return
    place, field = specs[spec.name].locate(environment, ("resources", "gpu", "memory"))
    problem = f"is too little: the weights take {format_bytes(size)}, and on pool {pool.name} tensors may take "
    allowed = f"a GPU that leaves {format_bytes(size)} for tensors"
    todo = "ask for more memory of a GPU, or make the weights smaller (optimize)"
    value = format_bytes(spec.resources.gpu.memory)
    yield WrongValue(place, field, value, problem + format_bytes(most), allowed, todo)


def _unmeasured(environment: str, specs: dict[str, LoadedSpec], one: Placed) -> Iterator[UserError]:
    target, gpu = one.variant.spec.scale.target, one.pool.gpu
    if target is None or target.gpu_percent is None or gpu is None or gpu.fraction == 1:
        return
    place, field = specs[one.variant.spec.name].locate(environment, ("scale", "target", "gpu_percent"))
    problem = f"is measured of whole GPUs, and replicas on pool {one.pool.name} get {gpu.fraction} of the {gpu.model}"
    todo = "scale on concurrency or p95_ms, or ask for a whole GPU (resources.gpu.share: 1)"
    yield UserError(place, field, problem, "gpu_percent on a pool whose GPUs are not shared", todo)

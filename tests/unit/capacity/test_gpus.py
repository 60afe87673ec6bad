"""What a model gets of its GPU follows from the pool; what a GPU cannot do is refused before anything is built."""

from dataclasses import replace

import pytest

from slipway.capacity.gpus import CONTEXT_BYTES, advice, refuse_gpus, tensor_bytes
from slipway.capacity.placement import place
from slipway.environments.planning.pool import Accelerators, Pool
from slipway.errors.base import UserErrors
from slipway.loading.specs import LoadedSpec
from tests.support.pools import CPU, GI, GPU, MIG, SLICED, loaded, spec

ASKED = {"cpu": "1", "memory": "1Gi", "gpu": {"count": 1, "memory": "4Gi", "share": "1/8"}}
NEVER = (
    "resources.gpu: this version of runtime onnxruntime has never run on a GPU; a pod that cannot compute on its GPU "
)


@pytest.mark.parametrize("pool", [GPU, SLICED, MIG], ids=lambda pool: pool.name)
def test_tensors_get_the_unit_of_the_pool_but_for_what_cuda_takes(pool: Pool) -> None:
    assert pool.gpu is not None
    most = tensor_bytes(pool, spec(resources=ASKED))
    assert most == pool.gpu.memory * 7 // 8 - CONTEXT_BYTES


def test_replicas_that_share_a_card_together_stay_below_its_memory() -> None:
    most = tensor_bytes(SLICED, spec(resources=ASKED))
    assert most is not None
    assert 4 * (most + CONTEXT_BYTES) < 24 * GI


def test_a_model_without_gpus_or_of_a_runtime_without_them_gets_none() -> None:
    assert tensor_bytes(GPU, spec()) is None
    assert tensor_bytes(CPU, spec(resources=ASKED)) is None


def test_what_has_never_run_and_what_stands_idle_is_said() -> None:
    two = spec(resources=ASKED | {"gpu": {"count": 2, "memory": "4Gi"}})
    said = list(advice(replace(GPU, gpu=SLICED.gpu), two))
    assert said[0].startswith(NEVER)
    assert said[1] == "resources.gpu.count: a replica computes on one GPU; 1 of its 2 stand idle"
    assert "take turns on a GPU of pool l4; each keeps its tensors within" in said[2]
    assert list(advice(GPU, spec())) == []


def refused(pool: Pool, one: LoadedSpec) -> str:
    placed = place("prod", [pool], [one])
    with pytest.raises(UserErrors) as errors:
        refuse_gpus("prod", [one], placed)
    return str(errors.value)


def test_weights_that_do_not_fit_on_the_gpu_are_refused() -> None:
    one = loaded(spec("least", resources=ASKED))
    large = replace(one, base=replace(one.base, artifact=replace(one.base.artifact, size=20 * GI)))
    assert "the weights take 20Gi" in refused(SLICED, large)
    refuse_gpus("prod", [large], place("prod", [replace(GPU, gpu=Accelerators(1, 80 * GI, "H100"))], [large]))


@pytest.mark.parametrize("pool", [SLICED, MIG], ids=lambda pool: pool.name)
def test_the_use_of_a_shared_gpu_is_nothing_to_scale_on(pool: Pool) -> None:
    one = loaded(spec("least", resources=ASKED, scale={"max": 2, "target": {"gpu_percent": 70}}))
    assert "gpu_percent: is measured of whole GPUs" in refused(pool, one)
    whole = loaded(spec("least", resources=ASKED, scale={"max": 2, "target": {"gpu_percent": 70}}))
    refuse_gpus("prod", [whole], place("prod", [GPU], [whole]))

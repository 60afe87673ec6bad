"""Models in whole numbers on pools without the instructions for them."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.lockfile.files import read_lock
from slipway.planner.fit import slow_on_pool
from slipway.settings.kubernetes import NodePool
from tests.support.planned import ROOT
from tests.support.pools import CPU

LOCKED = read_lock(ROOT / "models/digits.lock.yaml", ROOT)


@pytest.mark.parametrize(
    ("has", "warned"),
    [({"avx2"}, True), ({"avx2", "avx512"}, True), ({"avx2", "vnni"}, False), (set(), False)],
    ids=["avx2", "avx512", "vnni", "unknown"],
)
def test_it_is_warned_where_the_pool_is_known_to_lack_vnni(has: set[str], warned: bool) -> None:
    said = list(slow_on_pool(LOCKED, replace(CPU, cpu_features=frozenset(has))))
    assert bool(said) == warned
    if warned:
        assert said[0].startswith("optimize: quantize: int8-dynamic computes in 8-bit whole numbers")
        assert said[0].endswith("or write resources.cpu_features: [vnni]")


def test_weights_that_no_step_made_are_no_matter() -> None:
    assert list(slow_on_pool(None, CPU)) == []
    assert LOCKED is not None
    lock = LOCKED.lock.model_copy(update={"steps": ()})
    assert list(slow_on_pool(replace(LOCKED, lock=lock, file=Path("x")), CPU)) == []


def test_a_pool_of_a_cluster_says_it_itself_or_by_its_labels() -> None:
    from slipway.environments.planning.kubernetes import _pool  # noqa: PLC0415 - what plans a kind has no other name

    label = "feature.node.kubernetes.io/cpu-cpuid.AVX512VNNI"
    written = NodePool.model_validate(
        {
            "name": "p",
            "max_nodes": 1,
            "cpu": "2",
            "memory": "4Gi",
            "selector": {label: "true"},
            "cpu_features": ["avx2"],
        }
    )
    assert _pool(written).cpu_features == {"avx2", "vnni"}

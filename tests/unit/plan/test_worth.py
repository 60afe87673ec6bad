"""What a locked model's steps save is said from its lock and the prices of its pool: bytes, seconds, dollars."""

from pathlib import Path

import pytest

from slipway.lockfile.model import Lock
from slipway.plan.worth import Worth
from slipway.spec.model import ModelSpec
from tests.support.locks import lock_of
from tests.support.pools import CPU, GI, spec

MIB = 2**20


@pytest.fixture
def model() -> ModelSpec:
    return spec(resources={"cpu": "500m", "memory": "16Gi"}, scale={"min": 1, "max": 4, "target": {"cpu_percent": 70}})


def lock(model: ModelSpec, before: int, after: int, root: Path) -> Lock:
    """Weights of so many bytes before and after the steps."""
    found = lock_of(model, root)
    (served,) = found.variants
    files = (served.files[0].model_copy(update={"size": after}),)
    return found.model_copy(
        update={
            "source": found.source.model_copy(update={"size": before}),
            "variants": (served.model_copy(update={"files": files}),),
        }
    )


def test_memory_is_priced_by_the_pool_and_a_smaller_model_starts_sooner(model: ModelSpec, tmp_path: Path) -> None:
    worth = Worth.of(lock(model, 5 * GI, 1 * GI, tmp_path), CPU, model, stored=False)
    assert worth.memory == 4 * GI
    assert worth.cold_start_s > 0
    assert worth.usd is not None
    least, most = worth.usd
    # An eighth of a node's memory at $0.40 an hour, which is what binds: the CPU is a sixteenth of it.
    assert least == pytest.approx(0.40 * 730 / 8, rel=0.15)
    assert most == pytest.approx(4 * least)
    first, second = worth.lines("least")
    assert first.startswith("its steps made 1.1 GB of 5.4 GB: 4.3 GB less to fetch, a cold start ")
    assert second.startswith("resources.memory can be 4Gi less than before its steps: $")


def test_a_few_bytes_are_no_memory_and_no_dollars(model: ModelSpec, tmp_path: Path) -> None:
    worth = Worth.of(lock(model, 39_003, 12_241, tmp_path), CPU, model, stored=False)
    assert list(worth.lines("least")) == [
        "its steps made 12.2 kB of 39.0 kB: 26.8 kB less to fetch; `slipway lock least` shows what they do to its times"
    ]


def test_steps_that_make_a_model_larger_say_so(model: ModelSpec, tmp_path: Path) -> None:
    worth = Worth.of(lock(model, 1_000, 3_000, tmp_path), CPU, model, stored=False)
    assert worth.memory == 0 and worth.usd == (0.0, 0.0)
    assert "2.0 kB more to fetch" in next(worth.lines("least"))

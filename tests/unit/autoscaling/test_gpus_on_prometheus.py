"""The query of a target of gpu_percent, asked of a real Prometheus.

The samples are made up: nobody here has a GPU. Names and labels are those that the documentation of NVIDIA's
dcgm-exporter gives to DCGM_FI_DEV_GPU_UTIL in Kubernetes, as scraped with `honorLabels: true`.
"""

from collections.abc import Iterator

import pytest

from slipway.autoscaling.signals import query
from slipway.spec.scale import Scale, Target
from tests.support.prometheus import Prometheus, prometheus
from tests.support.scrapes import BASE

NOW = BASE + 60
SCALE = Scale(min=1, max=8, target=Target.model_validate({"gpu_percent": 70}))
BUSY, IDLE = "digits-5d9c7b8f6d-abcde", "quiet-5d9c7b8f6d-abcde"


def samples(pod: str, percent: float, *, namespace: str = "shop", gpu: int = 0, until: float = NOW) -> Iterator[str]:
    """A minute of one GPU."""
    card = f'gpu="{gpu}",UUID="GPU-{pod}-{gpu}",device="nvidia{gpu}",modelName="NVIDIA L4",Hostname="node-1"'
    of = f'container="server",namespace="{namespace}",pod="{pod}"'
    for at in range(0, 60, 5):
        if BASE + at < until:
            yield f"DCGM_FI_DEV_GPU_UTIL{{{card},{of}}} {percent + (at % 10)} {BASE + at:.3f}"


@pytest.fixture(scope="module")
def server() -> Iterator[Prometheus]:
    lines = [
        *samples(BUSY, 80),
        *samples("digits-5d9c7b8f6d-fghij", 20),
        # One pod with two GPUs, of which the second is the busier one.
        *samples("digits-7f6b5c4d3e-klmno", 10),
        *samples("digits-7f6b5c4d3e-klmno", 40, gpu=1),
        # Another model, whose name begins alike; the same name elsewhere; nobody's GPU.
        *samples("digits-two-5d9c7b8f6d-abcde", 99),
        *samples(BUSY, 99, namespace="other"),
        *samples("", 99),
        *samples("gone-5d9c7b8f6d-abcde", 50, until=BASE + 20),
        'DCGM_FI_DEV_GPU_UTIL{namespace="shop",pod="' + IDLE + f'"}} 0 {NOW - 3:.3f}',
    ]
    with prometheus("\n".join([*lines, "# EOF", ""])) as running:
        yield running


def asked(server: Prometheus, model: str) -> list[float]:
    result = server.ask(query(SCALE, namespace="shop", model=model, cores=1), NOW)
    return [float(one["value"][1]) for one in result]


def test_each_replica_counts_with_its_busiest_gpu_and_nobody_else_s(server: Prometheus) -> None:
    # Each sample is its level or 5 above it, in turn.
    assert asked(server, "digits") == [pytest.approx(80 + 20 + 40 + 3 * 2.5)]


def test_idle_is_zero_and_unknown_is_empty(server: Prometheus) -> None:
    assert asked(server, "quiet") == [0]
    assert asked(server, "gone") == []
    assert asked(server, "never") == []

"""Pools and specs that tests build by hand."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from slipway.environments.planning.pool import Accelerators, Pool
from slipway.loading.specs import LoadedSpec, load_spec_file
from slipway.loading.variant import Variant
from slipway.spec.model import ModelSpec
from tests.support.planned import FIXTURES

GI = 2**30
CPU = Pool(
    name="cpu",
    min_nodes=1,
    max_nodes=4,
    cpu=8000,
    memory=32 * GI,
    gpu=None,
    selector={"slipway.dev/pool": "cpu"},
    taints=(),
    cpu_features=frozenset({"avx2"}),
    region="eu-central-1",
    zones=("eu-central-1a", "eu-central-1b"),
    instance_types=("m7i.2xlarge",),
    hourly_usd=Decimal("0.40"),
)
GPU = replace(
    CPU,
    name="l4",
    min_nodes=0,
    gpu=Accelerators(1, 24 * GI, "L4"),
    instance_types=("g6.2xlarge",),
    hourly_usd=Decimal("1.20"),
)
SLICED = replace(
    GPU, name="l4-sliced", gpu=Accelerators(4, 6 * GI, "L4", fraction=Fraction(1, 4), isolated=False), max_nodes=1
)
MIG = replace(
    GPU,
    name="h100-mig",
    cpu=90_000,
    memory=900 * GI,
    gpu=Accelerators(14, 10 * GI, "H100", "nvidia.com/mig-1g.10gb", Fraction(1, 8)),
    instance_types=("p5.48xlarge",),
    hourly_usd=Decimal("14"),
)

LEAST_SPEC: dict[str, Any] = {
    "apiVersion": "slipway/v1",
    "name": "least",
    "version": "1.0.0",
    "owner": "vision",
    "artifact": {"source": "weights/linear.onnx"},
    "runtime": "onnxruntime",
    "resources": {"cpu": "1", "memory": "1Gi"},
    "check": {"request": "checks/linear.json", "expect": {"label": 1}},
}


def spec(name: str = "least", **changes: Any) -> ModelSpec:
    """A spec; `resources` adds to those of the least one."""
    resources = LEAST_SPEC["resources"] | changes.pop("resources", {})
    return ModelSpec.model_validate(LEAST_SPEC | {"name": name, "resources": resources} | changes)


def gpu(**wanted: Any) -> dict[str, Any]:
    """The resources of a model that asks for GPUs; one of 1Gi unless told otherwise."""
    return {"gpu": {"count": 1, "memory": "1Gi"} | wanted}


def scale(least: int, most: int) -> dict[str, Any]:
    """A scale with a target where one is needed."""
    return {"min": least, "max": most} | ({"target": {"cpu_percent": 70}} if most > least else {})


def loaded(model: ModelSpec) -> LoadedSpec:
    """A spec as if it had been read from the file of the least one."""
    read = load_spec_file(FIXTURES / "spec/ok/least.yaml", FIXTURES / "repo")
    return LoadedSpec(read.document, Variant(model, read.base.artifact, read.base.request, read.base.written), {})

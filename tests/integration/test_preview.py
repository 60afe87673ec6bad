"""`slipway preview` on the real engine and a real cluster: what it says comes true, and it writes nothing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration


def states(bench: Workbench) -> dict[str, int]:
    """Every file of the backend that is the environment's, locks and history too, and when it was written."""
    backend = Path(os.environ["PULUMI_BACKEND_URL"].removeprefix("file://"))
    return {str(path): path.stat().st_mtime_ns for path in backend.rglob("*") if bench.environment in str(path)}


def objects(bench: Workbench) -> dict[str, str]:
    """Of each object in the namespace that no controller writes, by kind and name, its resource version."""
    kinds = ("ConfigMap", "Deployment", "Service", "ServiceAccount", "NetworkPolicy", "Lease", "Secret")
    found = [(kind, item["metadata"]) for kind in kinds for item in bench.cluster.list(kind)]
    return {f"{kind} {one['name']}": one["resourceVersion"] for kind, one in found}


def previewed(bench: Workbench, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bench.well("preview", bench.environment, "--json", *arguments))
    return document


def test_what_a_preview_says_comes_true_and_nothing_is_written(bench: Workbench) -> None:
    bench.write("sums")
    before = states(bench)
    first = previewed(bench)
    assert [(one["model"], one["does"], one["engine"]["stack"]) for one in first["models"]] == [
        ("sums", "new", f"{bench.environment}.sums")
    ]
    assert "is not there yet" in first["environmentStack"]["unknown"]
    assert states(bench) == before
    assert bench.up().returncode == 0

    assert bench.well("touched", bench.environment) == f"{bench.environment}: 0 of 2 stacks drifted\n"
    same = previewed(bench)
    assert (same["models"], same["counts"], same["environmentStack"]["counts"]) == ([], {"unchanged": 1}, {})

    bench.write("other")
    bench.write("sums", resources={"cpu": "250m", "memory": "256Mi"})
    was, there = states(bench), objects(bench)
    found = {one["model"]: one for one in previewed(bench)["models"]}
    assert {name: one["does"] for name, one in found.items()} == {"sums": "changed", "other": "new"}
    sums = found["sums"]
    assert (sums["image"], sums["downtime"]["happens"], sums["rollout"]["strategy"]) == ("same", False, "rolling")
    assert "+            cpu: 250m" in sums["manifests"]
    steps = {step["resource"]: step["does"] for step in sums["engine"]["steps"]}
    assert steps["Deployment sums"] == "update"
    assert [one["model"] for one in previewed(bench, "sums")["models"]] == ["sums"]
    comment = bench.well("preview", bench.environment, "--markdown")
    assert comment.startswith(f"<!-- slipway-preview: {bench.environment} -->")
    assert comment == bench.well("preview", bench.environment, "--markdown")
    assert (states(bench), objects(bench)) == (was, there)

    done = bench.up()
    assert done.returncode == 0, done.stderr
    assert previewed(bench)["models"] == []


def test_what_was_changed_by_hand_is_said_to_have_drifted(bench: Workbench) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    service = bench.cluster.read("Service", "sums")
    assert service is not None
    service["spec"]["ports"][0]["appProtocol"] = "kubernetes.io/h2c"
    bench.cluster.replace(service)
    bench.cluster.delete("PodDisruptionBudget", "sums")
    bench.write("sums", resources={"cpu": "250m", "memory": "256Mi"})
    was, there = states(bench), objects(bench)
    (found,) = previewed(bench)["models"]
    assert sorted(found["drift"]) == [
        "PodDisruptionBudget sums is gone",
        "Service sums is not what it was made (spec.ports[0].appProtocol)",
    ], found["engine"]
    looked = bench.run("touched", bench.environment, "--json")
    assert looked.returncode == 2, looked.stderr
    own, model = json.loads(looked.stdout)["stacks"]
    assert (own["stack"], own["drift"]) == (bench.environment, [])
    assert sorted(model["drift"]) == sorted(found["drift"])
    assert (states(bench), objects(bench)) == (was, there)

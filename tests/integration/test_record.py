"""The record of the last right release: what fits, what is believed of it, how it is read back where it is missing."""

import random
from dataclasses import replace

import pytest

from slipway.commands.context import EnvironmentContext, Folders
from slipway.deploy.live_release import record_of_live
from slipway.deploy.record import saved
from slipway.deploy.record_format import packed, unpacked
from slipway.errors.reaching import ApiRefused
from tests.support.workbench import Workbench, post

ONES = {"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}
ADMIN = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/slipway-test-admin"


def test_an_object_that_somebody_put_into_the_record_is_not_applied(bench: Workbench) -> None:
    bench.write("scaled", 2.0)
    bench.well("up", bench.environment, "--yes")
    record = bench.cluster.read("ConfigMap", "scaled-verified")
    assert record is not None
    release = unpacked(record)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "slipway-test-admin"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": bench.namespace}],
    }
    changed = replace(release, manifests=(*release.manifests, binding))
    bench.cluster.replace({**record, "binaryData": packed(changed)})
    bench.write("scaled", 3.0, expect=7.0)
    up = bench.up()
    assert up.returncode == 2, up.stdout + up.stderr
    assert "ClusterRoleBinding of rbac.authorization.k8s.io/v1 does not belong to a model" in up.stderr
    with pytest.raises(ApiRefused, match="404"):
        bench.cluster.request("GET", ADMIN)
    assert post(bench.port("scaled"), ONES)["outputs"] == {"y": [[2, 2, 2]]}


def test_the_release_that_serves_is_read_back_from_the_cluster_as_it_was_recorded(bench: Workbench) -> None:
    bench.write("scaled", 2.0, scale={"min": 1, "max": 2, "target": {"cpu_percent": 50}})
    bench.well("up", bench.environment, "--yes")
    (model,) = EnvironmentContext(bench.environment, Folders(bench.folder / "models", bench.folder / "stacks")).models(
        ["scaled"]
    )
    recorded = saved(bench.cluster, "scaled")
    assert record_of_live(bench.cluster, model) == recorded
    # What it was made from stands in the record only: what is read back says nothing of it.
    assert recorded is not None
    read_back = record_of_live(bench.cluster, replace(model, release_digest="f" * 64))
    assert read_back == replace(recorded, origin=None)


def test_a_golden_request_of_the_documented_size_deploys_and_is_recorded(bench: Workbench) -> None:
    numbers = random.Random(5)
    rows = [[numbers.randint(0, 9) for _ in range(3)] for _ in range(57_000)]
    bench.write("scaled", 2.0, expect=0.0, resources={"cpu": "200m", "memory": "1Gi"})
    spec = bench.folder / "models/scaled.yaml"
    spec.write_text(spec.read_text().replace("max: 0.0", "max: 100.0").replace("timeout: 5s", "timeout: 60s"))
    text = str({"inputs": {"a": rows, "b": rows}}).replace(" ", "").replace("'", '"')
    assert 900_000 < len(text) < 921_600
    (bench.folder / "models/scaled.json").write_text(text)
    up = bench.up()
    assert up.returncode == 0, up.stdout + up.stderr
    assert saved(bench.cluster, "scaled") is not None

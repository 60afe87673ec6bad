"""A device with Kubernetes: the real agent with its Role alone, the local cluster, the real control side."""

import uuid
from pathlib import Path

import pytest

from slipway.local.host import paths
from tests.edge.fleet import Fleet
from tests.support.edge_clusters import HARDWARE, cluster_device

pytestmark = pytest.mark.integration

_SEES_FILES = {
    "containers": [{"name": "any", "image": "localhost:5000/any"}],
    "volumes": [{"name": "node", "hostPath": {"path": "/"}}],
}
"""A pod that no document may bring."""


def test_a_cluster_takes_a_version_gives_a_bad_one_back_and_is_left_empty(tmp_path: Path) -> None:
    if not paths.KUBECONFIG.exists():
        pytest.skip(f"no cluster runs ({paths.KUBECONFIG} is not there): `slipway local up`")
    namespace = f"device-{uuid.uuid4().hex[:8]}"
    with (
        Fleet(tmp_path / "project", ["k3s-1"], hardware={"k3s-1": HARDWARE}) as fleet,
        cluster_device(tmp_path / "k3s-1", "k3s-1", namespace) as one,
    ):
        assert one.may("patch", "deployments")
        assert not any(one.may("get", what) for what in ("secrets", "roles", "nodes"))
        assert not one.may("get", "services", "default")
        assert 'violates PodSecurity "restricted' in one.refused(_SEES_FILES)
        one.enrol(fleet.url, fleet.ran("devices", "add", fleet.name, one.name).stdout.strip())
        one.start()
        fleet.ran("up", fleet.name, "--yes")
        assert one.label() == 7
        (good,) = one.objects("Deployment")

        fleet.break_model()
        told = fleet.ran("up", fleet.name, "--yes", code=2)
        assert "digits 1.1.0 was stopped on edge" in told.stderr
        assert one.label() == 7
        (still,) = one.objects("Deployment")
        assert still["metadata"]["uid"] == good["metadata"]["uid"]
        assert one.events("returned")[-1]["version"] == "1.1.0"

        # Kubernetes leads callers by itself; the agent finds its record and what runs, and changes nothing.
        one.kill()
        assert one.label() == 7
        one.start()
        fleet.ran("down", fleet.name, "--yes")
        assert one.label() is None
        assert one.objects("Deployment") == one.objects("Service") == []

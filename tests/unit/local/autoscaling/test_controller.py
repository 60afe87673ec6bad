"""When KEDA counts as installed: its objects are applied, both programs serve, and so does its API."""

import json
from pathlib import Path

import pytest

from slipway.local.autoscaling import controller
from slipway.local.autoscaling.programs import IMAGE, NAMESPACE, Programs
from slipway.local.cluster import installing
from slipway.local.cluster.program_images import Kept
from slipway.local.host.errors import LocalError
from tests.support.applied import Cluster, item, said


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    parts = [
        item("v1", "Namespace", NAMESPACE),
        item("apps/v1", "Deployment", "keda-operator", NAMESPACE, spec={"replicas": 1}),
        item("apps/v1", "Deployment", "keda-metrics-apiserver", NAMESPACE, spec={"replicas": 1}),
        item("apiextensions.k8s.io/v1", "CustomResourceDefinition", "scaledobjects.keda.sh"),
        item("apiregistration.k8s.io/v1", "APIService", "v1beta1.external.metrics.k8s.io"),
    ]
    (tmp_path / "objects.json").write_text(json.dumps(parts))
    return Programs(Kept(IMAGE, tmp_path), tmp_path)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(controller, "Api", lambda: made)
    monkeypatch.setattr(Kept, "push", lambda _: made.applied.append("image"))
    return made


def test_the_image_is_there_before_a_pod_asks_for_it(cluster: Cluster, programs: Programs) -> None:
    assert controller.install(programs, said) == "KEDA 2.20.1"
    assert cluster.applied[:2] == ["image", "CustomResourceDefinition/scaledobjects.keda.sh"]
    assert controller.status() == "KEDA 2.20.1, up"


def test_a_second_installation_applies_nothing(cluster: Cluster, programs: Programs) -> None:
    controller.install(programs, said)
    cluster.applied.clear()
    controller.install(programs, said)
    assert cluster.applied == ["image"]


def test_its_api_that_is_not_served_is_waited_for(
    cluster: Cluster, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.install(programs, said)
    api = cluster.objects["/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"]
    api["status"]["conditions"][0]["status"] = "False"
    monkeypatch.setattr(installing, "LIMIT_S", 0.3)
    with pytest.raises(LocalError, match=r"waited 0 s until the API of external metrics is served; .*-n keda get"):
        controller.install(programs, said)
    assert controller.status() == "down"

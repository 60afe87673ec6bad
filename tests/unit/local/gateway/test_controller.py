"""In which order the gateway's objects are applied, and when they are not applied again."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.local.cluster import installing
from slipway.local.gateway import controller
from slipway.local.gateway.programs import NAMESPACE, Programs
from slipway.local.host.errors import LocalError
from tests.support.applied import Cluster, item, said

SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/envoy-gateway"


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    folder = tmp_path / "gateway-0123"
    folder.mkdir()
    admission = "admissionregistration.k8s.io/v1"
    crds = [
        item(admission, "ValidatingAdmissionPolicy", "safe-upgrades"),
        item("apiextensions.k8s.io/v1", "CustomResourceDefinition", "gateways"),
    ]
    hook = {"annotations": {"helm.sh/hook": "pre-install"}}
    parts = [
        item("apps/v1", "Deployment", "envoy-gateway", NAMESPACE, spec={"replicas": 1}),
        item("v1", "ServiceAccount", "certgen", NAMESPACE, metadata=hook),
        item("v1", "ServiceAccount", "envoy-gateway", NAMESPACE),
    ]
    (folder / "crds.json").write_text(json.dumps(crds))
    (folder / "controller.json").write_text(json.dumps(parts))
    return Programs(folder)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(controller, "Api", lambda: made)

    def certgen(command: Any) -> None:
        assert command.argv[1] == "certgen"
        made.applied.append("certificates")
        made.objects[SECRET] = {}

    monkeypatch.setattr(controller, "run", certgen)
    return made


def test_definitions_come_first_certificates_before_the_controller_and_its_deployment_last(
    cluster: Cluster, programs: Programs
) -> None:
    controller.install(programs, said)
    assert cluster.applied == [
        "CustomResourceDefinition/gateways",
        "ValidatingAdmissionPolicy/safe-upgrades",
        f"Namespace/{NAMESPACE}",
        "certificates",
        "ServiceAccount/envoy-gateway",
        "Deployment/envoy-gateway",
        f"Namespace/{NAMESPACE}",
        "GatewayClass/slipway",
    ]


def test_what_is_installed_from_the_same_programs_is_not_applied_again(cluster: Cluster, programs: Programs) -> None:
    controller.install(programs, said)
    cluster.applied.clear()
    controller.install(programs, said)
    assert cluster.applied == ["GatewayClass/slipway"]


def test_other_programs_are_applied_and_the_certificates_stay(
    cluster: Cluster, programs: Programs, tmp_path: Path
) -> None:
    controller.install(programs, said)
    cluster.applied.clear()
    other = Programs(programs.folder.rename(tmp_path / "gateway-4567"))
    controller.install(other, said)
    assert "Deployment/envoy-gateway" in cluster.applied
    assert "certificates" not in cluster.applied


def test_an_installation_that_broke_off_is_done_again(cluster: Cluster, programs: Programs) -> None:
    cluster.fails_at = "Deployment"
    with pytest.raises(LocalError, match="refused: Deployment"):
        controller.install(programs, said)
    cluster.fails_at = ""
    controller.install(programs, said)
    assert "Deployment/envoy-gateway" in cluster.applied


def test_a_controller_that_never_gets_ready_ends_the_wait_with_where_to_look(
    cluster: Cluster, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.met = ("Established",)
    monkeypatch.setattr(installing, "LIMIT_S", 0.3)
    with pytest.raises(LocalError, match=r"waited 0 s until the gateway's controller is ready; .*kubectl -n envoy-gat"):
        controller.install(programs, said)


def test_a_deployment_whose_new_version_is_not_seen_yet_is_not_available(cluster: Cluster, programs: Programs) -> None:
    controller.install(programs, said)
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/envoy-gateway"
    assert controller.status() == "v1.9.1, up"
    cluster.objects[path]["metadata"]["generation"] = 2
    assert controller.status() == "down"

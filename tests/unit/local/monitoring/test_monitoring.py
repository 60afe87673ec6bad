"""Versions in all places that name them, what Prometheus takes, where its alerts go, when it counts as installed."""

import json
import re
from pathlib import Path

import pytest

from slipway.local.build import toolchain
from slipway.local.cluster.program_images import Kept
from slipway.local.monitoring import controller, objects, programs
from slipway.local.monitoring.programs import NAMESPACE, Programs
from tests.support.applied import Cluster, item, said


@pytest.fixture
def made(tmp_path: Path) -> Programs:
    images = {}
    for image in programs.IMAGES:
        folder = tmp_path / image.name
        folder.mkdir()
        (folder / "manifest").write_text(image.name)
        images[image.name] = Kept(image, folder)
    parts = [
        item("apps/v1", "Deployment", "prometheus-operator", NAMESPACE, spec={"replicas": 1}),
        item("apiextensions.k8s.io/v1", "CustomResourceDefinition", "podmonitors.monitoring.coreos.com"),
    ]
    (tmp_path / "objects.json").write_text(json.dumps(parts))
    return Programs(images, tmp_path)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(controller, "Api", lambda: made)
    monkeypatch.setattr(Kept, "push", lambda kept: made.applied.append(f"image {kept.image.name}"))
    return made


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        # Prometheus 3.16.0 is v0.316.0 as a Go module.
        ("prometheus", "github.com/prometheus/prometheus v0.3" + programs.PROMETHEUS.version[2:]),
        ("alertmanager", f"github.com/prometheus/alertmanager v{programs.ALERTMANAGER.version}"),
        ("prometheus-operator", f"{programs._OPERATOR_MODULE} v{programs.OPERATOR_IMAGE.version}"),
    ],
)
def test_the_versions_are_those_of_the_go_modules(module: str, requirement: str) -> None:
    assert re.search(rf"\b{re.escape(requirement)}\b", (toolchain.MODULES / module / "go.mod").read_text())


def test_prometheus_takes_the_monitors_and_rules_of_every_namespace_and_is_bounded(made: Programs) -> None:
    spec = objects.prometheus(made.images["prometheus"].reference)["spec"]
    for kind in ("podMonitor", "rule"):
        assert spec[f"{kind}Selector"] == {}
        assert spec[f"{kind}NamespaceSelector"] == {}
    assert (spec["retention"], spec["retentionSize"], spec["scrapeInterval"]) == ("2d", "512MB", "15s")
    assert spec["storage"] == {"emptyDir": {"sizeLimit": "1Gi"}}
    assert spec["image"] == made.images["prometheus"].reference


def test_prometheus_tells_the_alertmanager_that_is_there(made: Programs) -> None:
    (target,) = objects.prometheus("")["spec"]["alerting"]["alertmanagers"]
    (manager,) = [each for each in objects.of(made) if each["kind"] == "Alertmanager"]
    assert target["name"] == f"{manager['kind'].lower()}-operated"
    assert target["namespace"] == manager["metadata"]["namespace"]


def test_an_alert_fires_always(made: Programs) -> None:
    (rule,) = [each for each in objects.of(made) if each["kind"] == "PrometheusRule"]
    (alert,) = rule["spec"]["groups"][0]["rules"]
    assert (alert["alert"], alert["expr"]) == ("Watchdog", "vector(1)")


def test_kedas_own_words_on_namespaces_are_kept(made: Programs) -> None:
    (monitor,) = [each for each in objects.of(made) if each["kind"] == "PodMonitor"]
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["keda"]}
    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "http", "path": "/metrics", "honorLabels": True}]


def test_the_operator_starts_our_reloader_and_has_no_limit_of_cpu(made: Programs) -> None:
    overlay = programs.overlay(made.images)
    patch = json.loads(overlay["patches"][0]["patch"])
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    reloader = made.images["prometheus-config-reloader"].reference
    assert f"--prometheus-config-reloader={reloader}" in container["args"]
    assert container["resources"]["limits"]["cpu"] is None
    assert overlay["images"][0]["digest"] == made.images["prometheus-operator"].digest


def test_images_come_first_then_definitions_and_the_operator_last(cluster: Cluster, made: Programs) -> None:
    assert controller.install(made, said) == controller.WHAT
    images = [f"image {image.name}" for image in programs.IMAGES]
    assert cluster.applied[: len(images)] == images
    assert cluster.applied[len(images)] == "CustomResourceDefinition/podmonitors.monitoring.coreos.com"
    assert cluster.applied[-2:] == ["Deployment/prometheus-operator", f"Namespace/{NAMESPACE}"]
    cluster.applied.clear()
    controller.install(made, said)
    assert cluster.applied == images


def test_a_prometheus_whose_change_the_operator_has_not_seen_is_down(cluster: Cluster, made: Programs) -> None:
    controller.install(made, said)
    assert controller.status() == f"{controller.WHAT}, up"
    path = f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheuses/prometheus"
    cluster.objects[path]["metadata"]["generation"] = 2
    assert controller.status() == "down"

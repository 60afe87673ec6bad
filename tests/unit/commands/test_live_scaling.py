"""What `status`, `verify` and `predict` do with models that are scaled on metrics, and with those that sleep."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.cluster.keys_admin import KeysAdmin
from slipway.cluster.rollout import REVISION
from slipway.commands.context import EnvironmentContext
from slipway.errors.failures import WrongAnswer
from slipway.errors.reaching import ApiRefused
from slipway.values.names import model_labels
from tests.support.fake_cluster import FakeCluster
from tests.unit.planner.test_others import Project

Json = dict[str, Any]

MONITORED = "monitoring: {prometheus: http://prometheus-operated.monitoring:9090}"
READY = {"type": "Ready", "status": "True"}
ALERT = {
    "labels": {"alertname": "SlipwayScaledToMax", "severity": "warning", "environment": "here", "model": "ours"},
    "annotations": {"summary": "Model ours has all of its 8 replicas"},
    "state": "firing",
    "activeAt": "2026-11-26T12:00:00Z",
}


class Scaled(FakeCluster):
    """A cluster with the model `ours`, scaled by KEDA, which sleeps unless it has `replicas`."""

    def __init__(self, project: Project, replicas: int = 0) -> None:
        super().__init__()
        (plan,) = project.context().plan.models
        self.prometheus: object = {"status": "success", "data": {"alerts": [ALERT]}}
        self.woken: list[str] = []
        self.wakes_it = True
        self.release = plan.release_digest
        labels = model_labels("here", "ours", plan.version, plan.release_digest)
        self._labels = labels | {"slipway.dev/verified": plan.release}
        revision = {REVISION: "1", "slipway.dev/verified-revision": "1"}
        pod = {"metadata": {"labels": labels}, "spec": {}}
        self._put(
            {
                "kind": "Deployment",
                "metadata": {
                    "name": "ours", "uid": "d", "labels": self._labels, "annotations": revision, "generation": 1,
                },
                "spec": {"replicas": replicas, "template": pod},
            }
        )  # fmt: skip
        self._put(
            {
                "kind": "ScaledObject",
                "metadata": {
                    "name": "ours", "labels": labels, "annotations": {"slipway.dev/scale-target": "concurrency=4"},
                },
                "spec": {"idleReplicaCount": 0, "minReplicaCount": 1, "maxReplicaCount": 8},
                "status": {"conditions": [READY]},
            }
        )  # fmt: skip
        self._counted()

    def _counted(self) -> None:
        deployment = self.objects["Deployment", "ours"]
        wanted = deployment["spec"]["replicas"]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
        deployment["status"] = {"observedGeneration": 1, **counts}

    def wake(self, model: str) -> Json:
        self.woken.append(model)
        if self.wakes_it:
            self.objects["Deployment", "ours"]["spec"]["replicas"] = 1
            self._counted()
        return {}

    def request(self, method: str, path: str, **options: Any) -> bytes:
        assert path.startswith("/api/v1/namespaces/monitoring/services/prometheus-operated:9090/proxy/api/v1/alerts")
        if isinstance(self.prometheus, Exception):
            raise self.prometheus
        return json.dumps(self.prometheus).encode()

    def through_service(self, *arguments: Any, **options: Any) -> bytes:
        if not self.objects["Deployment", "ours"]["spec"]["replicas"]:
            raise ApiRefused("POST", "/", 503, 'no endpoints available for service "ours"')
        return json.dumps({"release": self.release, "outputs": {"label": [1]}}).encode()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path)
    monkeypatch.chdir(made.folder)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return made


def at(cluster: Scaled, monkeypatch: pytest.MonkeyPatch) -> Scaled:
    monkeypatch.setattr(EnvironmentContext, "cluster", cluster)
    monkeypatch.setattr(KeysAdmin, "wake", lambda _, model: cluster.wake(model))
    return cluster


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


def row(*arguments: str) -> Json:
    (found,) = json.loads(run("status", "here", "--json", *arguments).stdout)["models"]
    return dict(found)


def test_status_says_that_a_model_sleeps_and_what_it_is_scaled_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(Scaled(project), monkeypatch)
    said = run("status", "here").stdout
    assert "0 (asleep)" in said
    assert "0-8, concurrency=4" in said
    assert "sleeps" in said
    found = row()
    assert (found["asleep"], found["ready"], found["state"]) == (True, 0, "sleeps")
    assert found["scaling"] == {
        "by": "ScaledObject", "min": 0, "max": 8, "target": "concurrency=4", "current": None, "trouble": "",
        "since": None,
    }  # fmt: skip


def test_status_wakes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = at(Scaled(project), monkeypatch)
    run("status", "here")
    assert cluster.woken == []


def test_status_tells_what_fires_about_a_model(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.settings(MONITORED)
    at(Scaled(project, 1), monkeypatch)
    line = "alert SlipwayScaledToMax (warning) of ours since 2026-11-26T12:00:00Z: Model ours has all of its 8 replicas"
    assert line in run("status", "here").stdout.splitlines()
    assert [alert["name"] for alert in row()["alerts"]] == ["SlipwayScaledToMax"]


def test_alerts_that_nobody_can_be_asked_for_are_unknown_and_not_none(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.settings(MONITORED)
    cluster = at(Scaled(project, 1), monkeypatch)
    cluster.prometheus = ApiRefused("GET", "/", 503, "no endpoints available")
    assert (
        "alerts are not known: http://prometheus-operated.monitoring:9090 answers 503" in run("status", "here").stdout
    )
    assert row()["alerts"] is None


def test_without_monitoring_nothing_fires_and_nobody_is_asked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = at(Scaled(project, 1), monkeypatch)
    cluster.prometheus = AssertionError("asked")
    assert row()["alerts"] == []


def test_verify_wakes_what_sleeps_and_judges_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = at(Scaled(project), monkeypatch)
    (found,) = json.loads(run("verify", "here", "--json").stdout)["models"]
    assert found["right"] is True, found
    assert cluster.woken == ["ours"]


def test_verify_leaves_it_asleep_when_it_is_asked_to(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = at(Scaled(project), monkeypatch)
    done = run("verify", "here", "--no-wake")
    assert done.exit_code == 0
    assert "asleep, not asked" in done.stdout
    assert cluster.woken == []
    (found,) = json.loads(run("verify", "here", "--no-wake", "--json").stdout)["models"]
    assert (found["right"], found["reason"]) == (None, None)


def test_a_model_that_serves_is_judged_whether_or_not_others_may_be_woken(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = at(Scaled(project, 1), monkeypatch)
    assert "right" in run("verify", "here", "--no-wake").stdout
    assert cluster.woken == []


def test_verify_of_a_model_that_cannot_be_woken_fails_in_words(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = at(Scaled(project), monkeypatch)
    cluster.wakes_it = False
    monkeypatch.setattr("slipway.deploy.waking.ASLEEP_S", 0.0)
    with pytest.raises(WrongAnswer, match="sleeps and was not woken within 0 s: the keys service told KEDA"):
        run("verify", "here")


def test_predict_wakes_what_sleeps(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = at(Scaled(project), monkeypatch)
    (project.folder / "a.json").write_text("{}")
    assert json.loads(run("predict", "here", "ours", "a.json").stdout)["outputs"] == {"label": [1]}
    assert cluster.woken == ["ours"]

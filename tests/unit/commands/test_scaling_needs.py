"""What `slipway up` asks of a cluster whose models scale on metrics, and what it warns of."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.commands.changing.claim import refuse_foreign
from slipway.commands.changing.scaling_needs import silent_prometheus
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import UserErrors
from slipway.errors.reaching import ApiRefused
from slipway.values.names import environment_labels
from tests.support.fake_cluster import FakeCluster
from tests.unit.planner.test_others import SPEC, Project

MONITORED = "monitoring: {prometheus: http://prometheus-operated.monitoring:9090}"
SCALED = "{min: 1, max: 2, target: {concurrency: 4}}"


class Served(FakeCluster):
    """A cluster that serves `kinds` by their API; Prometheus gives `answer`."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = {
            "keda.sh/v1alpha1": ["ScaledObject"],
            "monitoring.coreos.com/v1": ["PodMonitor", "PrometheusRule"],
            "external.metrics.k8s.io/v1beta1": ["externalmetrics"],
        }
        self.answer: object = {"status": "success", "data": {}}
        self._put({"kind": "Namespace", "metadata": {"name": "slipway", "labels": environment_labels("here")}})

    def request(self, method: str, path: str, **options: Any) -> bytes:
        if "/proxy/" in path:
            if isinstance(self.answer, Exception):
                raise self.answer
            return json.dumps(self.answer).encode()
        kinds = self.kinds.get(path.removeprefix("/apis/"))
        if kinds is None:
            raise ApiRefused(method, path, 404, "the server could not find the requested resource")
        return json.dumps({"resources": [{"kind": kind} for kind in kinds]}).encode()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Served:
    served = Served()
    monkeypatch.setattr(EnvironmentContext, "cluster", served)
    return served


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose environment is measured, with a model `ours` that is scaled on what it does."""
    made = Project(tmp_path)
    made.settings(MONITORED)
    fixed = SPEC.format(name="ours", version="1.0.0", cpu="500m", least=1)
    made.write("ours.yaml", fixed.replace("{min: 1, max: 1}", SCALED))
    return made


def refused(context: EnvironmentContext) -> str:
    with pytest.raises(UserErrors) as error:
        refuse_foreign(context, context.plan.models, None)
    return str(error.value)


@pytest.mark.usefixtures("cluster")
def test_a_cluster_that_has_everything_is_not_refused(project: Project) -> None:
    context = project.context()
    refuse_foreign(context, context.plan.models, None)


def test_a_cluster_without_keda_is_refused_at_the_line_of_the_settings(project: Project, cluster: Served) -> None:
    del cluster.kinds["keda.sh/v1alpha1"]
    text = refused(project.context())
    assert "Pulumi.here.yaml:8: config.slipway:environment.monitoring: context fake does not know ScaledObject" in text
    assert "helm install keda" in text


def test_keda_is_asked_for_by_models_that_it_scales_and_the_operator_by_the_settings(
    project: Project, cluster: Served
) -> None:
    cluster.kinds = {}
    project.spec("ours")
    text = refused(project.context())
    assert "PodMonitor, PrometheusRule" in text
    assert "ScaledObject" not in text
    project.settings(MONITORED.replace("}", ", discovery: manual}"))
    context = project.context()
    refuse_foreign(context, context.plan.models, None)


def test_what_is_not_deployed_asks_for_no_keda(project: Project, cluster: Served) -> None:
    del cluster.kinds["keda.sh/v1alpha1"]
    refuse_foreign(project.context(), [], None)


def test_a_prometheus_that_gives_nothing_is_a_warning_that_names_the_models(project: Project, cluster: Served) -> None:
    context = project.context()
    cluster.answer = ApiRefused("GET", "/", 503, "no endpoints available")
    warning = silent_prometheus(context, context.plan.models)
    assert warning is not None
    assert "gives no metrics: http://prometheus-operated.monitoring:9090 answers 503: no endpoints" in warning
    assert "the replicas of ours stay as they are" in warning


@pytest.mark.parametrize("answer", [{"status": "success", "data": {}}, ApiRefused("GET", "/", 403, "forbidden")])
def test_one_that_answers_or_may_not_be_asked_is_none(project: Project, cluster: Served, answer: object) -> None:
    cluster.answer = answer
    context = project.context()
    assert silent_prometheus(context, context.plan.models) is None


def test_without_a_model_that_needs_it_nobody_asks(project: Project, cluster: Served) -> None:
    cluster.answer = AssertionError("asked")
    context = project.context()
    assert silent_prometheus(context, []) is None
    project.spec("ours")
    context = project.context()
    assert silent_prometheus(context, context.plan.models) is None

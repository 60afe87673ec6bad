"""A cluster without what scales models on metrics is refused before anything changes, with what to do about it."""

import json
from typing import Any

import pytest

from slipway.catalog.platform_pins import KEDA, PROMETHEUS
from slipway.cluster.scaling_needs import ScalingNeeds, refuse_missing
from slipway.errors.base import Place, UserErrors
from slipway.errors.reaching import ApiRefused
from tests.support.fake_cluster import FakeCluster

AT = (Place("stacks/Pulumi.local.yaml", 9), "config.slipway:environment.monitoring")
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"
NEEDS = ScalingNeeds(AT, AT)


class Served(FakeCluster):
    """A cluster with KEDA and prometheus-operator; `refusals`: what the API answers instead, by path."""

    def __init__(self) -> None:
        super().__init__()
        self.served = {
            "/apis/keda.sh/v1alpha1": ["ScaledObject"],
            "/apis/monitoring.coreos.com/v1": ["PodMonitor", "PrometheusRule"],
            EXTERNAL: ["externalmetrics"],
        }
        self.refusals: dict[str, int] = {}
        self.asked: list[str] = []

    def request(self, method: str, path: str, **options: Any) -> bytes:
        self.asked.append(path)
        if path in self.refusals:
            raise ApiRefused(method, path, self.refusals[path], "refused")
        if path not in self.served:
            raise ApiRefused(method, path, 404, "the server could not find the requested resource")
        return json.dumps({"resources": [{"kind": kind} for kind in self.served[path]]}).encode()


def refused(cluster: Served, needs: ScalingNeeds = NEEDS) -> str:
    with pytest.raises(UserErrors) as error:
        refuse_missing(cluster, needs)
    assert error.value.exit_code == 1
    return str(error.value)


def test_a_cluster_that_has_everything_is_not_refused() -> None:
    refuse_missing(Served(), NEEDS)


def test_what_is_not_needed_is_not_asked_for() -> None:
    cluster = Served()
    cluster.served = {}
    refuse_missing(cluster, ScalingNeeds())
    assert cluster.asked == []


def test_a_cluster_without_keda_is_told_how_it_is_installed() -> None:
    cluster = Served()
    del cluster.served["/apis/keda.sh/v1alpha1"]
    text = refused(cluster)
    assert text.startswith(f"stacks/Pulumi.local.yaml:9: {AT[1]}: context fake does not know ScaledObject of keda.sh/")
    assert f"helm install keda keda --repo https://kedacore.github.io/charts --version {KEDA.version} " in text
    assert "--kube-context fake" in text


@pytest.mark.parametrize("kind", ["PodMonitor", "PrometheusRule"])
def test_a_cluster_without_the_operator_is_told_of_both_ways_out(kind: str) -> None:
    cluster = Served()
    cluster.served["/apis/monitoring.coreos.com/v1"].remove(kind)
    text = refused(cluster)
    assert f"does not know {kind} of monitoring.coreos.com/v1" in text
    assert f"--version {PROMETHEUS.version} " in text
    assert "discovery: manual" in text


@pytest.mark.parametrize("status", [404, 503])
def test_a_metrics_server_that_is_away_is_refused(status: int) -> None:
    cluster = Served()
    cluster.refusals[EXTERNAL] = status
    assert "KEDA's metrics server does not answer in context fake" in refused(cluster)


def test_who_may_not_ask_is_not_refused_for_it() -> None:
    cluster = Served()
    cluster.refusals = dict.fromkeys(cluster.served, 403)
    refuse_missing(cluster, NEEDS)


def test_all_that_is_missing_is_said_at_once() -> None:
    cluster = Served()
    cluster.served = {}
    assert len(refused(cluster).splitlines()) == 2

"""Find out before a change whether a cluster has what scales models on metrics: KEDA and prometheus-operator."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from slipway.catalog.platform_pins import KEDA, PROMETHEUS, Chart
from slipway.cluster.api import Cluster
from slipway.cluster.offer import serves
from slipway.cluster.ownership import Located
from slipway.errors.base import UserError, UserErrors
from slipway.errors.reaching import ApiRefused

_EXTERNAL_METRICS = "/apis/external.metrics.k8s.io/v1beta1"
_OPERATOR = ("monitoring.coreos.com/v1", ("PodMonitor", "PrometheusRule"))


@dataclass(frozen=True, slots=True)
class ScalingNeeds:
    """What an environment needs of its cluster, by where a person wrote that it does; None where it does not.

    Attributes:
        keda: a model that KEDA scales.
        operator: settings that leave it to prometheus-operator to find the models.
    """

    keda: Located | None = None
    operator: Located | None = None


def refuse_missing(cluster: Cluster, needs: ScalingNeeds) -> None:
    """Refuse a cluster that lacks any of it; raises `UserErrors` with everything that is missing."""
    findings = [*_keda(cluster, needs.keda), *_operator(cluster, needs.operator)]
    if findings:
        raise UserErrors(findings)


def _keda(cluster: Cluster, at: Located | None) -> Iterator[UserError]:
    if at is None:
        return
    place, field = at
    allowed = f"a cluster with KEDA {KEDA.version}, its operator and its metrics server"
    if not serves(cluster, "keda.sh/v1alpha1", "ScaledObject"):
        problem = f"context {cluster.context} does not know ScaledObject of keda.sh/v1alpha1, by which KEDA scales"
        yield UserError(place, field, problem, allowed, f"install KEDA: {_helm(KEDA, 'keda', cluster.context)}")
        return
    try:
        cluster.request("GET", _EXTERNAL_METRICS)
    except ApiRefused as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return
        if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE):
            raise
        problem = f"KEDA's metrics server does not answer in context {cluster.context} (external.metrics.k8s.io)"
        todo = "kubectl get apiservice v1beta1.external.metrics.k8s.io shows why; then run the command again"
        yield UserError(place, field, problem, allowed, todo)


def _operator(cluster: Cluster, at: Located | None) -> Iterator[UserError]:
    if at is None:
        return
    place, field = at
    version, kinds = _OPERATOR
    missing = [kind for kind in kinds if not serves(cluster, version, kind)]
    if missing:
        problem = f"context {cluster.context} does not know {', '.join(missing)} of {version}"
        allowed = "a cluster with prometheus-operator, or discovery: manual"
        todo = f"install it: {_helm(PROMETHEUS, 'monitoring', cluster.context)}; or write discovery: manual and add "
        todo += "what `slipway scrape-config` prints to your Prometheus"
        yield UserError(place, field, problem, allowed, todo)


def _helm(chart: Chart, namespace: str, context: str) -> str:
    return (
        f"helm install {chart.chart} {chart.chart} --repo {chart.repository} --version {chart.version} --namespace "
        f"{namespace} --create-namespace --kube-context {context} (on this machine, slipway local up)"
    )

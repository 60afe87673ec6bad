"""Lists the objects that a model has in its cluster: who applies, deletes, restores or documents them reads this."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from slipway.plan.model import ModelPlan


class Phase(Enum):
    """When an object is applied: before the pods that start with it, as their Deployment, or once they are applied."""

    BEFORE_PODS = 1
    PODS = 2
    AFTER_PODS = 3


@dataclass(frozen=True, slots=True)
class ObjectTemplate:
    """One kind of object, of which a model has at most one.

    Attributes:
        kind: as in manifests.
        api_version: as in manifests, with the group.
        plural: the resource's name in paths of the API.
        template: name of its file in templates/kubernetes/model/, without the ending.
        about: what it is for, for people.
        phase: when it is applied.
        condition: which models have it, for people; `when` says it for programs.
        when: whether a model has it.
        required: paths without which no release is restored; None where a release may lack the whole object.
        optional_api: whether a cluster may lack the kind, which is of an extension then.
        recorded: whether the record of a release holds it. Who may write ConfigMaps must not decide who may call a
            model, nor who is told of what: a restore keeps the way in and the alerts as they are planned.
        retained: whether it outlives the program that no longer names it, since pods may still need it.
    """

    kind: str
    api_version: str
    plural: str
    template: str
    about: str
    phase: Phase = Phase.AFTER_PODS
    condition: str = "each model"
    when: Callable[[ModelPlan], bool] = lambda _: True
    required: tuple[str, ...] | None = None
    optional_api: bool = False
    recorded: bool = True
    retained: bool = False

    @property
    def path(self) -> str:
        """Path of its collection in the API, with `{namespace}` in it."""
        root = "apis" if "/" in self.api_version else "api"
        return f"{root}/{self.api_version}/namespaces/{{namespace}}/{self.plural}"


_ENVOY_API = "gateway.envoyproxy.io/v1alpha1"
_GATEWAY_API = "gateway.networking.k8s.io/v1"
_PUBLIC = "`endpoint.public`, in an environment with a gateway"


def _way_in(kind: str, api_version: str, plural: str, template: str, about: str) -> ObjectTemplate:
    """The row of an object that decides who reaches a model."""
    return ObjectTemplate(
        kind=kind,
        api_version=api_version,
        plural=plural,
        template=template,
        about=about,
        condition=_PUBLIC,
        when=lambda model: model.traffic is not None,
        optional_api=True,
        recorded=False,
    )


_WAY_IN = (
    _way_in("SecurityPolicy", _ENVOY_API, "securitypolicies", "security_policy", "asks who may call, for each call"),
    _way_in(
        "BackendTrafficPolicy",
        _ENVOY_API,
        "backendtrafficpolicies",
        "backend_traffic_policy",
        "spreads calls over the pods",
    ),
    replace(
        _way_in("GRPCRoute", _GATEWAY_API, "grpcroutes", "grpc_route", "leads calls over gRPC to the Service"),
        condition=f"`endpoint.grpc` and {_PUBLIC}",
        when=lambda model: model.traffic is not None and model.traffic.grpc is not None,
    ),
    _way_in("HTTPRoute", _GATEWAY_API, "httproutes", "http_route", "leads from the gateway to the Service"),
)

MODEL_OBJECTS = (
    ObjectTemplate(
        kind="ServiceAccount",
        api_version="v1",
        plural="serviceaccounts",
        template="service_account",
        about="identity of the pods, without rights and without a token",
        phase=Phase.BEFORE_PODS,
        required=("automountServiceAccountToken",),
    ),
    ObjectTemplate(
        kind="ConfigMap",
        api_version="v1",
        plural="configmaps",
        template="config_map",
        about="configuration of the model server, one for each release",
        phase=Phase.BEFORE_PODS,
        required=("data",),
        # Pods of the release before mount the one that the program no longer names, and go on serving until the next
        # one does: who judges the rollout deletes it.
        retained=True,
    ),
    ObjectTemplate(
        kind="Deployment",
        api_version="apps/v1",
        plural="deployments",
        template="deployment",
        about="the pods",
        phase=Phase.PODS,
        required=(
            "spec.selector.matchLabels",
            "spec.template.metadata.labels",
            "spec.template.spec.serviceAccountName",
            "spec.template.spec.automountServiceAccountToken",
            "spec.template.spec.securityContext",
            "spec.template.spec.containers.0.image",
        ),
    ),
    ObjectTemplate(
        kind="Service",
        api_version="v1",
        plural="services",
        template="service",
        about="the address under which the pods are reached",
        required=("spec.type", "spec.selector", "spec.ports.0"),
    ),
    ObjectTemplate(
        kind="HorizontalPodAutoscaler",
        api_version="autoscaling/v2",
        plural="horizontalpodautoscalers",
        template="horizontal_pod_autoscaler",
        about="the only writer of the number of replicas, by the pods' CPU",
        condition="`scale.target` of `cpu_percent` and nothing else, `scale.max` above `scale.min`",
        when=lambda model: model.scaler == "HorizontalPodAutoscaler",
    ),
    ObjectTemplate(
        kind="ScaledObject",
        api_version="keda.sh/v1alpha1",
        plural="scaledobjects",
        template="scaled_object",
        about="the only writer of the number of replicas, by way of KEDA",
        condition="any other `scale.target`, `scale.schedule` or `scale.to_zero`",
        when=lambda model: model.scaler == "ScaledObject",
        optional_api=True,
    ),
    ObjectTemplate(
        kind="PrometheusRule",
        api_version="monitoring.coreos.com/v1",
        plural="prometheusrules",
        template="prometheus_rule",
        about="alerts: missing metrics, too few replicas at most, objectives that are not kept, bad answers, drift",
        condition="`slo`, `drift`, `quality.alert`, any `scale.target` but `cpu_percent`; with prometheus-operator",
        when=lambda model: model.has_rules and model.monitoring is not None and model.monitoring.operator,
        optional_api=True,
        recorded=False,
    ),
    ObjectTemplate(
        kind="PodDisruptionBudget",
        api_version="policy/v1",
        plural="poddisruptionbudgets",
        template="pod_disruption_budget",
        about="lets a node be drained of one replica at a time",
    ),
    ObjectTemplate(
        kind="NetworkPolicy",
        api_version="networking.k8s.io/v1",
        plural="networkpolicies",
        template="network_policy",
        about="opens the server's port, to the gateway alone where it checks no pass; lets out what the spec names",
        phase=Phase.BEFORE_PODS,
        # A policy without ports would let everything through.
        required=("spec.podSelector.matchLabels", "spec.policyTypes", "spec.ingress.0.ports.0.port"),
    ),
    # Applied side by side: before its rules are, a route leads to servers that take no call without a pass.
    *_WAY_IN,
    ObjectTemplate(
        kind="EndpointSlice",
        api_version="discovery.k8s.io/v1",
        plural="endpointslices",
        template="endpoint_slice",
        about="keeps the route open while there is no replica",
        condition="`scale.to_zero`",
        when=lambda model: model.traffic is not None and model.traffic.wait_s is not None,
        # Every cluster has the kind, but not everybody who deploys may read it.
        optional_api=True,
        # Whoever may write it leads calls to any address.
        recorded=False,
    ),
)
"""In the order in which they are rendered; within a phase they are applied in it."""

WAY_IN = frozenset(row.kind for row in _WAY_IN)
"""Kinds of objects that decide who reaches a model."""

UNRECORDED = frozenset(row.kind for row in MODEL_OBJECTS if not row.recorded)
"""Kinds of objects that the record of a release does not hold."""

RETAINED = frozenset(row.kind for row in MODEL_OBJECTS if row.retained)
"""Kinds of objects that outlive the program that no longer names them."""

_BY_KIND: Mapping[str, ObjectTemplate] = {row.kind: row for row in MODEL_OBJECTS}


def object_of(kind: str) -> ObjectTemplate:
    """The row of a kind; raises `LookupError` for one that no model has."""
    try:
        return _BY_KIND[kind]
    except KeyError:
        known = ", ".join(_BY_KIND)
        raise LookupError(f"no model has an object of kind {kind}; MODEL_OBJECTS has {known}") from None

"""Measure what an environment sends and writes down: by its gateway's counters, and by those of its account."""

from fractions import Fraction

from slipway.cluster.prometheus import Prometheus, Silent
from slipway.commands.context import EnvironmentContext
from slipway.environments.planning.kinds import planning
from slipway.errors.base import SlipwayError
from slipway.planner.volumes import MONTH_S, Measured, Sent

WINDOW = "1d"
"""A day has its busy hours and its quiet ones; Prometheus keeps two where settings do not say more."""
_WINDOW_S = 24 * 3600


def measure(context: EnvironmentContext) -> Measured:
    """What there is to measure, as bytes a month; what there is not says why."""
    metered = context.running.metered()
    sent, said = _sent(context)
    return Measured(
        sent=sent,
        nat=metered.nat,
        control_plane_logs=metered.control_plane_logs,
        flow_logs=metered.flow_logs,
        unmeasured=(*metered.unmeasured, *said),
    )


def _sent(context: EnvironmentContext) -> tuple[dict[str, Sent], list[str]]:
    """What went through the gateway in the last day, by model."""
    monitoring = planning(context.plan.settings).monitoring
    routed = [model for model in context.plan.models if model.traffic is not None]
    public = [model.name for model in routed]
    if not public:
        return {}, []
    if monitoring is None:
        return {}, ["traffic of models: the environment has no Prometheus"]
    namespace = routed[0].namespace
    try:
        prometheus = Prometheus(context.cluster, monitoring.prometheus)
        requests, answers = (prometheus.by_label(_grown(way, namespace), _CLUSTER) for way in ("tx", "rx"))
    except (Silent, SlipwayError) as error:
        return {}, [f"traffic of models: {error}"]
    found = {
        name: Sent(_month(requests, namespace, name), _month(answers, namespace, name))
        for name in public
        if any(_is_of(cluster, namespace, name) for cluster in requests)
    }
    silent = [name for name in public if name not in found]
    return found, [f"traffic of models: Prometheus has counted nothing of {', '.join(silent)}"] if silent else []


_CLUSTER = "envoy_cluster_name"


def _grown(way: str, namespace: str) -> str:
    """How many bytes Envoy sent to its clusters (`tx`) or got from them (`rx`) in the last day."""
    routes = f'{_CLUSTER}=~"(http|grpc)route/{namespace}/.*"'
    return f"sum by ({_CLUSTER}) (increase(envoy_cluster_upstream_cx_{way}_bytes_total{{{routes}}}[{WINDOW}]))"


def _is_of(cluster: str, namespace: str, model: str) -> bool:
    """Whether a cluster of Envoy is a rule of the model's route: `httproute/NAMESPACE/MODEL/rule/0`."""
    kind, *rest = cluster.split("/")
    return kind in ("httproute", "grpcroute") and rest[:2] == [namespace, model]


def _month(bytes_of: dict[str, float], namespace: str, model: str) -> Fraction:
    day = sum(amount for cluster, amount in bytes_of.items() if _is_of(cluster, namespace, model))
    return Fraction(day) * MONTH_S / _WINDOW_S

"""Have KEDA on the cluster: its definitions, its rights, its operator, and the API of external metrics."""

from slipway.local.autoscaling.programs import NAMESPACE, VERSION, Programs
from slipway.local.cluster.api import Api
from slipway.local.cluster.installing import Installation, holds, is_available
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

_METRICS_API = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
_OPERATOR = f"{_DEPLOYMENTS}/keda-operator"
_METRICS_SERVER = f"{_DEPLOYMENTS}/keda-metrics-apiserver"


def install(programs: Programs, report: Report) -> str:
    """Have the image in the registry, apply all objects, unless they are, and wait until KEDA serves.

    Raises:
        LocalError: the registry or the cluster refused something, or KEDA is not ready in time.
    """
    api = Api()
    installation = Installation(api, NAMESPACE, report)
    report("its image")
    programs.image.push()
    try:
        installation.ensure([item for item in programs.objects() if item["kind"] != "Namespace"])
        installation.wait("KEDA's operator is ready", lambda: is_available(api.get(_OPERATOR)))
        installation.wait("KEDA's metrics server is ready", lambda: is_available(api.get(_METRICS_SERVER)))
        installation.wait("the API of external metrics is served", lambda: holds(api.get(_METRICS_API), "Available"))
    except OSError as error:
        raise LocalError(f"the cluster does not answer: {error}; `slipway local status` shows its parts") from error
    return f"KEDA {VERSION}"


def status() -> str:
    """How KEDA does, in a word or two."""
    api = Api()
    try:
        up = is_available(api.get(_OPERATOR)) and is_available(api.get(_METRICS_SERVER))
        return f"KEDA {VERSION}, up" if up and holds(api.get(_METRICS_API), "Available") else "down"
    except OSError:
        return "down"

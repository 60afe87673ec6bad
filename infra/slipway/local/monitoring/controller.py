"""Have Prometheus and Alertmanager on the cluster: the operator's definitions and Deployment, and what it runs."""

from collections.abc import Mapping
from typing import Any

from slipway.local.cluster.api import Api, path_of
from slipway.local.cluster.installing import Installation, is_available
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report
from slipway.local.monitoring import objects
from slipway.local.monitoring.programs import ALERTMANAGER, NAMESPACE, OPERATOR, PROMETHEUS, Programs

_OPERATOR = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{OPERATOR}"
_PROMETHEUS = path_of(objects.prometheus(""))
_ALERTMANAGER = path_of(objects.alertmanager(""))
WHAT = f"Prometheus {PROMETHEUS.version}, Alertmanager {ALERTMANAGER.version}"


def install(programs: Programs, report: Report) -> str:
    """Have the images in the registry, apply all objects, unless they are, and wait until both serve.

    Raises:
        LocalError: the registry or the cluster refused something, or one of them is not ready in time.
    """
    api = Api()
    installation = Installation(api, NAMESPACE, report)
    for kept in programs.images.values():
        report(f"the image {kept.image.name}")
        kept.push()
    try:
        installation.ensure([*programs.objects(), *objects.of(programs)])
        installation.wait("the Prometheus Operator is ready", lambda: is_available(api.get(_OPERATOR)))
        installation.wait("Alertmanager is ready", lambda: _serves(api.get(_ALERTMANAGER)))
        installation.wait("Prometheus is ready", lambda: _serves(api.get(_PROMETHEUS)))
    except OSError as error:
        raise LocalError(f"the cluster does not answer: {error}; `slipway local status` shows its parts") from error
    return WHAT


def status() -> str:
    """How they do, in a word or two."""
    api = Api()
    try:
        serve = all(_serves(api.get(path)) for path in (_ALERTMANAGER, _PROMETHEUS))
        up = serve and is_available(api.get(_OPERATOR))
    except OSError:
        return "down"
    return f"{WHAT}, up" if up else "down"


def _serves(item: Mapping[str, Any] | None) -> bool:
    """Whether the operator says so of what the object asks for now."""
    if item is None:
        return False
    conditions, newest = item.get("status", {}).get("conditions", []), item["metadata"]["generation"]
    available = [entry for entry in conditions if entry["type"] == "Available" and entry["status"] == "True"]
    return any(entry.get("observedGeneration") == newest for entry in available)

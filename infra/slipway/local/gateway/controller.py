"""Have Envoy Gateway on the cluster: its definitions, its certificates, its controller, and the class `slipway`."""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slipway.local.cluster.api import Api, path_of
from slipway.local.gateway.programs import NAMESPACE, VERSION, Programs
from slipway.local.host import paths
from slipway.local.host.commands import Command, run
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

CLASS = "slipway"
_LABELS = {"app.kubernetes.io/managed-by": "slipway-local"}
_HOOK = "helm.sh/hook"
_APPLIED = "slipway.dev/applied"
"""On the namespace, once all objects are applied: from which programs, so that the same are not applied again."""

_DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/envoy-gateway"
_CERTIFICATES = f"/api/v1/namespaces/{NAMESPACE}/secrets/envoy-gateway"
_LIMIT_S = 180.0
_POLL_S = 0.2


def install(programs: Programs, report: Report) -> str:
    """Apply all objects, unless they are, and wait until the controller serves and has taken the class.

    Raises:
        LocalError: the cluster refused an object, or the controller is not ready in time.
    """
    api = Api()
    try:
        if _applied(api) != programs.folder.name:
            _apply(api, programs, report)
        _wait("the gateway's controller is ready", lambda: _is_available(api.get(_DEPLOYMENT)), report)
        api.apply(_class())
        _wait(
            f"the controller accepts the class {CLASS}", lambda: _holds(api.get(path_of(_class())), "Accepted"), report
        )
    except OSError as error:
        raise LocalError(f"the cluster does not answer: {error}; `slipway local status` shows its parts") from error
    return f"Envoy Gateway {VERSION}, class {CLASS}"


def status() -> str:
    """How the controller does, in a word or two."""
    try:
        return f"{VERSION}, up" if _is_available(Api().get(_DEPLOYMENT)) else "down"
    except OSError:
        return "down"


def _apply(api: Api, programs: Programs, report: Report) -> None:
    report("definitions of the Gateway API")
    crds = programs.objects("crds")
    # The policy that guards definitions comes last, so that it does not judge those that come with it.
    crds.sort(key=lambda item: item["kind"] != "CustomResourceDefinition")
    for item in crds:
        api.apply(item)
    for at in [path_of(item) for item in crds if item["kind"] == "CustomResourceDefinition"]:
        _wait(f"{at.rpartition('/')[2]} is served", partial(_is_served, api, at), report)
    api.apply(_namespace({}))
    if api.get(_CERTIFICATES) is None:
        _make_certificates(programs, report)
    report("the controller")
    # A pod is refused without its ServiceAccount, so the Deployment comes last.
    for item in sorted(programs.objects("controller"), key=lambda item: item["kind"] == "Deployment"):
        # Hooks make the certificates from a pod, with rights for it; ours are made from here.
        if _HOOK not in item["metadata"].get("annotations", {}):
            api.apply(item)
    api.apply(_namespace({_APPLIED: programs.folder.name}))


def _applied(api: Api) -> str | None:
    namespace = api.get(path_of(_namespace({})))
    return None if namespace is None else namespace["metadata"].get("annotations", {}).get(_APPLIED)


def _make_certificates(programs: Programs, report: Report) -> None:
    """Certificates between controller and proxies, by the controller's own command, run with the person's rights."""
    report("certificates")
    run(
        Command(
            what="the gateway's certificates",
            argv=[programs.controller, "certgen", "--disable-topology-injector"],
            env={**os.environ, "KUBECONFIG": str(paths.KUBECONFIG), "ENVOY_GATEWAY_NAMESPACE": NAMESPACE},
            log=paths.STATE_LOG / "gateway-certificates.log",
            limit_s=60,
        )
    )


def _namespace(annotations: Mapping[str, str]) -> dict[str, Any]:
    """The controller and all proxies run as Pod Security's level `restricted` wants it."""
    labels = {**_LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": NAMESPACE, "labels": labels, "annotations": dict(annotations)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _class() -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS, "labels": _LABELS},
        "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
    }


def _is_available(deployment: Mapping[str, Any] | None) -> bool:
    """Whether the newest version of a Deployment serves."""
    if deployment is None or deployment["status"].get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return False
    updated, wanted = deployment["status"].get("updatedReplicas", 0), deployment["spec"]["replicas"]
    return updated == wanted and _holds(deployment, "Available")


def _is_served(api: Api, definition: str) -> bool:
    return _holds(api.get(definition), "Established")


def _holds(item: Mapping[str, Any] | None, condition: str) -> bool:
    conditions = (item or {}).get("status", {}).get("conditions", [])
    return any(entry["type"] == condition and entry["status"] == "True" for entry in conditions)


def _wait(what: str, probe: Callable[[], bool], report: Report) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not probe():
        if time.monotonic() > deadline:
            raise LocalError(
                f"waited {_LIMIT_S:.0f} s until {what}; `slipway local run -- kubectl -n {NAMESPACE} get pods,events` "
                "shows why not"
            )
        report(f"waiting until {what}")
        time.sleep(_POLL_S)

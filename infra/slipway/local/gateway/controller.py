"""Have Envoy Gateway on the cluster: its definitions, its certificates, its controller, and the class `slipway`."""

import os
from typing import Any

from slipway.local.cluster.api import Api, path_of
from slipway.local.cluster.installing import LABELS, Installation, holds, is_available
from slipway.local.gateway.programs import NAMESPACE, VERSION, Programs
from slipway.local.host import paths
from slipway.local.host.commands import Command, run
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

CLASS = "slipway"
_HOOK = "helm.sh/hook"
_DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/envoy-gateway"
_CERTIFICATES = f"/api/v1/namespaces/{NAMESPACE}/secrets/envoy-gateway"


def install(programs: Programs, report: Report) -> str:
    """Apply all objects, unless they are, and wait until the controller serves and has taken the class.

    Raises:
        LocalError: the cluster refused an object, or the controller is not ready in time.
    """
    api = Api()
    installation = Installation(api, NAMESPACE, report)
    try:
        if not installation.is_applied(programs.folder.name):
            _apply(api, installation, programs, report)
        installation.wait("the gateway's controller is ready", lambda: is_available(api.get(_DEPLOYMENT)))
        api.apply(_class())
        installation.wait(
            f"the controller accepts the class {CLASS}", lambda: holds(api.get(path_of(_class())), "Accepted")
        )
    except OSError as error:
        raise LocalError(f"the cluster does not answer: {error}; `slipway local status` shows its parts") from error
    return f"Envoy Gateway {VERSION}, class {CLASS}"


def status() -> str:
    """How the controller does, in a word or two."""
    try:
        return f"{VERSION}, up" if is_available(Api().get(_DEPLOYMENT)) else "down"
    except OSError:
        return "down"


def _apply(api: Api, installation: Installation, programs: Programs, report: Report) -> None:
    report("definitions of the Gateway API")
    installation.define(programs.objects("crds"))
    installation.make_namespace()
    if api.get(_CERTIFICATES) is None:
        _make_certificates(programs, report)
    report("the controller")
    # Hooks make the certificates from a pod, with rights for it; ours are made from here.
    parts = programs.objects("controller")
    installation.apply([item for item in parts if _HOOK not in item["metadata"].get("annotations", {})])
    installation.mark_applied(programs.folder.name)


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


def _class() -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS, "labels": LABELS},
        "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
    }

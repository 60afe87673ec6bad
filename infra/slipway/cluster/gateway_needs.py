"""Find out before a change whether a cluster has what an environment's gateway stands on."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.catalog.platform_pins import ENVOY_GATEWAY, GATEWAY_API
from slipway.cluster.api import Cluster
from slipway.cluster.offer import UNKNOWN, is_there, read_if_allowed, serves
from slipway.cluster.ownership import Located
from slipway.errors.base import UserError, UserErrors, WrongValue
from slipway.values import names
from slipway.values.aliases import Json
from slipway.values.quantities import format_bytes, parse_bytes

CLASS = "slipway"
"""The GatewayClass of every environment."""
_CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
_KINDS = {
    "gateway.networking.k8s.io/v1": ("GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute"),
    "gateway.envoyproxy.io/v1alpha1": ("EnvoyProxy", "ClientTrafficPolicy", "BackendTrafficPolicy", "SecurityPolicy"),
}
_BUNDLE = "gateway.networking.k8s.io/bundle-version"
"""The annotation in which definitions of the Gateway API say their version."""


@dataclass(frozen=True, slots=True)
class NamedSecret:
    """A Secret that the settings name. `at`: where; `about`: what has to be in it."""

    name: str
    at: Located
    about: str


@dataclass(frozen=True, slots=True)
class GatewayNeeds:
    """What an environment's gateway needs of its cluster.

    Attributes:
        at: where the settings have the gateway.
        secrets: that somebody else makes.
        issuer: a ClusterIssuer of cert-manager, and where it is named.
        storage_class: of the database's volume, and where it is named.
        storage: bytes of that volume, and where they are written.
    """

    at: Located
    secrets: tuple[NamedSecret, ...] = ()
    issuer: tuple[str, Located] | None = None
    storage_class: tuple[str, Located] | None = None
    storage: tuple[int, Located] | None = None


def refuse_missing(cluster: Cluster, needs: GatewayNeeds, *, namespace_there: bool) -> None:
    """Refuse a cluster that lacks what a gateway stands on. Contents of Secrets are not asked for.

    What the caller may not look at is taken to be there: whoever runs the cluster may allow no more.
    `namespace_there`: a namespace that is not there yet can have no Secrets.

    Raises:
        UserErrors: with everything that is missing.
    """
    findings = list(_platform(cluster, needs.at))
    if needs.storage_class is not None and not is_there(cluster, "StorageClass", needs.storage_class[0]):
        name, (place, field) = needs.storage_class
        todo = "write one of `kubectl get storageclass`, or leave it out for the cluster's default"
        problem = f"is no StorageClass of context {cluster.context}"
        findings.append(WrongValue(place, field, name, problem, "a StorageClass of the cluster", todo))
    if needs.issuer is not None and not serves(cluster, "cert-manager.io/v1", "Certificate"):
        name, (place, field) = needs.issuer
        problem = f"cannot be used: context {cluster.context} has no cert-manager"
        todo = "install cert-manager, or write certificate: self-signed"
        findings.append(WrongValue(place, field, name, problem, "a ClusterIssuer of cert-manager", todo))
    if namespace_there:
        findings += _secrets(cluster, needs)
        findings += _volume(cluster, needs)
    if findings:
        raise UserErrors(findings)


def _platform(cluster: Cluster, at: Located) -> Iterator[UserError]:
    """What is wrong with Envoy Gateway itself; the first thing only, since the rest follows from it."""
    place, field = at
    version = ENVOY_GATEWAY.version.removeprefix("v")
    allowed = f"a cluster with Envoy Gateway {version}, its definitions of the Gateway API (v{GATEWAY_API}), and a "
    allowed += f"GatewayClass {CLASS} that it has accepted"
    install = (
        f"helm install envoy-gateway {ENVOY_GATEWAY.chart} --version {ENVOY_GATEWAY.version} --namespace "
        f"envoy-gateway-system --create-namespace --kube-context {cluster.context} (on this machine, slipway local up)"
    )
    for version, kinds in _KINDS.items():
        missing = [kind for kind in kinds if not serves(cluster, version, kind)]
        if missing:
            problem = f"context {cluster.context} does not know {', '.join(missing)} of {version}"
            yield UserError(place, field, problem, allowed, f"install Envoy Gateway: {install}")
            return
    found = _bundle(cluster)
    if found is not None and _numbers(found) < _numbers(GATEWAY_API)[:2]:
        problem = f"context {cluster.context} has version {found} of the Gateway API, which is too old"
        yield UserError(place, field, problem, allowed, f"upgrade Envoy Gateway and its definitions: {install}")
        return
    yield from _class(cluster, at, allowed)


def _class(cluster: Cluster, at: Located, allowed: str) -> Iterator[UserError]:
    place, field = at
    found = read_if_allowed(cluster, "GatewayClass", CLASS)
    if found is UNKNOWN:
        return
    if found is None:
        manifest = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": _CONTROLLER},
        }
        todo = f"make it: echo '{json.dumps(manifest)}' | kubectl --context {cluster.context} create -f -"
        yield UserError(place, field, f"context {cluster.context} has no GatewayClass {CLASS}", allowed, todo)
        return
    accepted = next((one for one in _conditions(found) if one.get("type") == "Accepted"), {})
    if accepted.get("status") != "True":
        said = accepted.get("message") or "no controller has said anything about it"
        problem = f"GatewayClass {CLASS} of context {cluster.context} is not accepted: {said}"
        todo = f"see that Envoy Gateway runs, and that the class names its controller, {_CONTROLLER}"
        yield UserError(place, field, problem, allowed, todo)


def _secrets(cluster: Cluster, needs: GatewayNeeds) -> Iterator[UserError]:
    for secret in needs.secrets:
        if not is_there(cluster, "Secret", secret.name):
            place, field = secret.at
            problem = f"is no Secret of namespace {cluster.namespace} in context {cluster.context}"
            todo = f"make it there before this command is run again: {secret.about}"
            yield WrongValue(place, field, secret.name, problem, secret.about, todo)


def _volume(cluster: Cluster, needs: GatewayNeeds) -> Iterator[UserError]:
    """A volume that is there keeps its size and class: another claim would be another, empty database."""
    if needs.storage is None:
        return
    claim = read_if_allowed(cluster, "PersistentVolumeClaim", names.KEYS_DATABASE)
    if not claim:
        return
    written = claim["spec"]["resources"]["requests"]["storage"]
    size, (place, field) = needs.storage
    if _bytes(written) != size:
        problem = f"is not the size of the volume that is there, {written}"
        patch = json.dumps({"spec": {"resources": {"requests": {"storage": format_bytes(size)}}}})
        where = f"--context {cluster.context} --namespace {cluster.namespace}"
        todo = f"write {written}; to make it larger: kubectl {where} patch pvc {names.KEYS_DATABASE} -p '{patch}'"
        yield WrongValue(place, field, format_bytes(size), problem, "what the volume has", todo)
    there = claim["spec"].get("storageClassName")
    if needs.storage_class is not None and needs.storage_class[0] != there:
        name, (place, field) = needs.storage_class
        problem = f"is not the class of the volume that is there, {there}: no volume changes its class"
        todo = f"write {there}; or move the data: a new database, restored from a copy of this one"
        yield WrongValue(place, field, name, problem, "the class of the volume", todo)


def _bytes(written: str) -> int | None:
    """A size as Kubernetes has it; None where it is written in a way that no settings could name."""
    try:
        return parse_bytes(written)
    except ValueError:
        return None


def _bundle(cluster: Cluster) -> str | None:
    """The version of the Gateway API's definitions, where they say it and the caller may read it."""
    found = read_if_allowed(cluster, "CustomResourceDefinition", "httproutes.gateway.networking.k8s.io")
    version = ((found or {}).get("metadata", {}).get("annotations") or {}).get(_BUNDLE)
    return version if isinstance(version, str) else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _conditions(item: Json) -> list[Json]:
    return list((item.get("status") or {}).get("conditions") or [])

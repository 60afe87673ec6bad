"""Check Kubernetes objects, planned or live, for what no rule of the policy asks: doors, rights, openings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from slipway.controls.by_rules import named
from slipway.controls.evidence import Evidence, Looked, Seen
from slipway.policy.resource import Resource, entries, mapping, read
from slipway.values.names import MANAGED_BY

_TLS = ("1.2", "1.3")
_ENCRYPTED = ("HTTPS", "TLS")
_EVERYBODY = ("system:serviceaccounts", "system:authenticated", "system:unauthenticated")
"""Groups that every ServiceAccount is in."""
_WIDE_ROLES = ("cluster-admin", "admin", "edit")
"""ClusterRoles that every cluster has and that may at least change what runs in a namespace, and read its Secrets."""


def doors(seen: Seen, resources: Sequence[Resource]) -> Looked:
    """Every listener of a gateway speaks TLS, of version 1.2 at least."""
    return Looked(tuple(_doors(seen, resources)))


def _doors(seen: Seen, resources: Sequence[Resource]) -> Iterator[Evidence]:
    policies = [one for one in resources if one.kind == "ClientTrafficPolicy"]
    for gateway in resources:
        if gateway.kind != "Gateway":
            continue
        for listener in entries(gateway.read("spec.listeners")):
            protocol, field = listener.get("protocol"), f"spec.listeners[{listener.get('name')}].protocol"
            yield Evidence(seen, named(gateway), field, str(protocol), protocol in _ENCRYPTED)
        own = [one for one in policies if _targets(one, gateway)]
        if not own:
            text = "no ClientTrafficPolicy names it, so that versions of TLS are as the gateway's makers choose"
            yield Evidence(seen, named(gateway), "spec.tls", text, holds=False)
        for policy in own:
            least = policy.read("spec.tls.minVersion")
            yield Evidence(seen, named(policy), "spec.tls.minVersion", str(least), least in _TLS)


def _targets(policy: Resource, target: Resource) -> bool:
    refs = entries(policy.read("spec.targetRefs"))
    return any((ref.get("kind"), ref.get("name")) == (target.kind, target.name) for ref in refs)


def checked_routes(seen: Seen, resources: Sequence[Resource]) -> Looked:
    """The keys service is asked about each call of each route to a model, and without its answer there is none."""
    return Looked(tuple(_checked(seen, resources)))


def _checked(seen: Seen, resources: Sequence[Resource]) -> Iterator[Evidence]:
    policies = [one for one in resources if one.kind == "SecurityPolicy"]
    for route in resources:
        if route.kind not in ("HTTPRoute", "GRPCRoute") or not _to_a_model(route):
            continue
        own = [one for one in policies if _targets(one, route)]
        if not own:
            yield Evidence(seen, named(route), "metadata.name", "no SecurityPolicy names this route", holds=False)
        for policy in own:
            asks = policy.read("spec.extAuth.http") is not None
            text = f"failOpen: {policy.read('spec.extAuth.failOpen')}" if asks else "asks nobody"
            holds = asks and policy.read("spec.extAuth.failOpen") is False
            yield Evidence(seen, named(policy), "spec.extAuth", text, holds)


def _to_a_model(route: Resource) -> bool:
    labels = mapping(route.read("metadata.labels"))
    return _is_ours(route) and "app.kubernetes.io/name" in labels


def rights(seen: Seen, resources: Sequence[Resource], namespace: str) -> Looked:
    """No role of the namespace grants everything, nobody of it has rights beyond it, and models have no token."""
    beyond = (one for resource in resources for one in _beyond(seen, resource, namespace))
    return Looked((*_rights(seen, resources), *beyond))


def _beyond(seen: Seen, binding: Resource, namespace: str) -> Iterator[Evidence]:
    """What a ClusterRoleBinding gives to ServiceAccounts of the namespace, by themselves or as all that there are."""
    if binding.kind != "ClusterRoleBinding":
        return
    role = str(binding.read("roleRef.name"))
    for subject in entries(binding.read("subjects")):
        kind, name = subject.get("kind"), str(subject.get("name"))
        own = kind == "ServiceAccount" and subject.get("namespace") == namespace
        all_of_us = name in (*_EVERYBODY, f"system:serviceaccounts:{namespace}") and role in _WIDE_ROLES
        if own or (kind == "Group" and all_of_us):
            yield Evidence(seen, named(binding), "roleRef", f"{role} for {kind} {name}", holds=False)


def _rights(seen: Seen, resources: Sequence[Resource]) -> Iterator[Evidence]:
    for resource in resources:
        if resource.kind == "Role":
            wide = list(_wide(resource))
            text = "; ".join(wide) or "names apiGroups, resources and verbs"
            yield Evidence(seen, named(resource), "rules", text, not wide)
        elif resource.kind == "RoleBinding":
            role = str(resource.read("roleRef.name"))
            wide_role = resource.read("roleRef.kind") == "ClusterRole" and role in _WIDE_ROLES
            who = ", ".join(f"{one.get('kind')} {one.get('name')}" for one in entries(resource.read("subjects")))
            yield Evidence(seen, named(resource), "roleRef", f"{role} for {who or 'nobody'}", not wide_role)
        elif resource.kind == "ServiceAccount" and _is_ours(resource):
            token = resource.read("automountServiceAccountToken")
            yield Evidence(seen, named(resource), "automountServiceAccountToken", str(token), token is False)


def _wide(role: Resource) -> Iterator[str]:
    for rule in entries(role.read("rules")):
        found = [field for field in ("apiGroups", "resources", "verbs") if "*" in entries(rule.get(field))]
        if found:
            yield f"grants * of {', '.join(found)}"


def _is_ours(resource: Resource) -> bool:
    return mapping(resource.read("metadata.labels")).get("app.kubernetes.io/managed-by") == MANAGED_BY


def openers(seen: Seen, resources: Sequence[Resource]) -> Looked:
    """No NetworkPolicy opens what the others close: they add up, and one that lets all through wins."""
    return Looked(tuple(_openers(seen, resources)))


def _openers(seen: Seen, resources: Sequence[Resource]) -> Iterator[Evidence]:
    for policy in resources:
        if policy.kind != "NetworkPolicy" or policy.read("spec.podSelector") != {}:
            continue
        opened = [way for way in ("ingress", "egress") if {} in entries(policy.read(f"spec.{way}"))]
        if opened:
            text = f"lets all {' and '.join(opened)} of every pod through"
            yield Evidence(seen, named(policy), "spec", text, holds=False)


def denies(seen: Seen, resources: Sequence[Resource], environment_labels: Mapping[str, str]) -> Looked:
    """Traffic of the environment's pods is denied in both directions by one policy: of all pods, or of all of ours.

    The second is for a namespace that others made, which the rule `default-deny` is not about.
    """
    for policy in resources:
        if policy.kind != "NetworkPolicy":
            continue
        selector = policy.read("spec.podSelector")
        labels = read(selector, "matchLabels")
        ours = bool(labels) and set(labels.items()) <= set(environment_labels.items())
        closes = {"Ingress", "Egress"} <= set(entries(policy.read("spec.policyTypes")))
        nothing = not policy.read("spec.ingress") and not policy.read("spec.egress")
        if (selector == {} or ours) and closes and nothing:
            which = "all pods" if selector == {} else "all pods of the environment"
            return Looked((Evidence(seen, named(policy), "spec", f"denies what no other allows, of {which}"),))
    text = "none of its NetworkPolicies denies what no other allows"
    return Looked((Evidence(seen, "the namespace", "NetworkPolicies", text, holds=False),))


def images(resource: Resource) -> dict[str, Any]:
    """What each container of a Deployment runs, by name of the container."""
    pod = resource.read("spec.template.spec")
    of: Iterable[Any] = [*entries(read(pod, "initContainers")), *entries(read(pod, "containers"))]
    return {container.get("name"): container.get("image") for container in of}

"""Check Kubernetes objects: images, pods, NetworkPolicies, what the internet reaches."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipway.policy.resource import UNKNOWN, Resource, Unknown, entries, is_not, mapping, read
from slipway.values.names import MANAGED_BY, ROUTE_ANNOTATION

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_TEMPLATES = {"Pod": "", "CronJob": "spec.jobTemplate.spec.template."} | dict.fromkeys(
    ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), "spec.template."
)
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_RELEASE = "kubernetes:helm.sh/v3:Release"
_BOTH = {"Ingress", "Egress"}


def template_of(resource: Resource) -> str | None:
    """Where an object describes its pods, as the beginning of a path; None for an object that runs none."""
    return _TEMPLATES.get(resource.kind)


def pod_spec(resource: Resource) -> Any:
    """The pod that an object runs; None for an object that runs none."""
    template = template_of(resource)
    return None if template is None else resource.read(f"{template}spec")


def _containers(pod: Any) -> list[Mapping[str, Any]]:
    return [container for key in _CONTAINERS for container in entries(read(pod, key))]


def image_by_digest(resource: Resource) -> Iterator[str]:
    """Every container's image ends in a digest."""
    for container in _containers(pod_spec(resource)):
        image = container.get("image")
        if not isinstance(image, Unknown) and not _DIGEST.search(str(image)):
            yield f"container {container.get('name')} runs {image}, which has no digest"


def no_latest_tag(resource: Resource) -> Iterator[str]:
    """No image is named `latest`, in words or by leaving the tag out."""
    for container in _containers(pod_spec(resource)):
        image = container.get("image")
        if isinstance(image, str) and is_latest(image):
            yield f"container {container.get('name')} runs {image}"


def is_latest(image: str) -> bool:
    """Whether an image's name leaves to the registry which image it is."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")


def public_endpoint_key(resource: Resource) -> Iterator[str]:
    """A Service or Ingress that the internet reaches asks for a key; a load balancer of connections cannot."""
    annotations = resource.read("metadata.annotations") or {}
    if resource.kind == "Service" and resource.read("spec.type") == "LoadBalancer":
        prefix = "service.beta.kubernetes.io/aws-load-balancer"
        if not isinstance(annotations, Unknown) and annotations.get(f"{prefix}-scheme") != "internal":
            yield f"Service of type LoadBalancer without {prefix}-scheme: internal admits whoever connects"
    if resource.kind == "Ingress" and not isinstance(annotations, Unknown):
        prefix = "alb.ingress.kubernetes.io"
        public = annotations.get(f"{prefix}/scheme") == "internet-facing"
        if public and annotations.get(f"{prefix}/auth-type", "none") == "none":
            yield f"Ingress is internet-facing without {prefix}/auth-type"


def public_auth(resource: Resource) -> Iterator[str]:
    """The route to a model asks its callers for a key or a token."""
    rules = mapping(resource.read("metadata.annotations")).get(ROUTE_ANNOTATION)
    if resource.kind == "HTTPRoute" and isinstance(rules, str) and json.loads(rules)["auth"] == "none":
        yield "callers show neither a key nor a token"


def model_network_policy(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Every pod is selected, by its labels, by a NetworkPolicy for both directions that does not let all through."""
    policies = [resource for resource in resources if resource.kind == "NetworkPolicy"]
    for resource in resources:
        template = template_of(resource)
        if template is None:
            continue
        labels = resource.read(f"{template}metadata.labels") or {}
        namespace = resource.read("metadata.namespace")
        own = [policy for policy in policies if _selects(policy, namespace, labels)]
        if not own:
            yield resource, "no NetworkPolicy for Ingress and Egress selects its pods"
        for policy in own:
            for direction in ("ingress", "egress"):
                if {} in entries(policy.read(f"spec.{direction}")):
                    yield resource, f"NetworkPolicy {policy.name} lets all {direction} through"


def _selects(policy: Resource, namespace: Any, labels: Any) -> bool:
    """Whether a NetworkPolicy is about pods with these labels; one for all pods is no policy of theirs."""
    selector = policy.read("spec.podSelector.matchLabels")
    if UNKNOWN in (selector, labels, namespace):
        return True
    return (
        bool(selector)
        and not policy.read("spec.podSelector.matchExpressions")
        and policy.read("metadata.namespace") == namespace
        and set(entries(policy.read("spec.policyTypes"))) == _BOTH
        and selector.items() <= labels.items()
    )


def default_deny(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Every namespace of ours has a NetworkPolicy that selects all pods and lets nothing through.

    One that a chart is installed in is the chart's: who may talk to whom there is for the chart to say.
    """
    charts = [resource.read("namespace") for resource in resources if resource.type == _RELEASE]
    for namespace in resources:
        labels = mapping(namespace.read("metadata.labels"))
        if namespace.kind != "Namespace" or labels.get("app.kubernetes.io/managed-by") != MANAGED_BY:
            continue
        if namespace.read("metadata.name") in charts:
            continue
        if not any(_denies_all(policy, namespace) for policy in resources if policy.kind == "NetworkPolicy"):
            yield namespace, "none of its NetworkPolicies denies what no other allows"


def _denies_all(policy: Resource, namespace: Resource) -> bool:
    return (
        not is_not(policy.read("metadata.namespace"), namespace.read("metadata.name"))
        and policy.read("spec.podSelector") == {}
        and set(entries(policy.read("spec.policyTypes"))) == _BOTH
        and not policy.read("spec.ingress")
        and not policy.read("spec.egress")
    )

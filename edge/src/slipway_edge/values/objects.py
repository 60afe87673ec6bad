"""Objects of Kubernetes that a document may name: what is not on this short list is refused, signed or not.

The cluster itself refuses the rest: the namespace enforces the Pod Security Standard `restricted`, which no document
can change, and the agent's Role names these kinds alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

SERVER_PORT = 8080
"""Where a model server listens in its pod."""
KINDS: Mapping[str, tuple[str, str]] = {
    "ServiceAccount": ("v1", "serviceaccounts"),
    "ConfigMap": ("v1", "configmaps"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "Service": ("v1", "services"),
    "Deployment": ("apps/v1", "deployments"),
}
"""By kind: its version and its name in paths, in the order in which they are applied. A version has one of each."""
_VOLUMES = frozenset({"configMap", "emptyDir", "name"})
_OF_ITSELF = frozenset({"fieldRef", "resourceFieldRef"})
_FROM_ELSEWHERE = ("externalIPs", "externalName", "loadBalancerIP")


def refusal(objects: Sequence[Json]) -> str:
    """Why a version's objects are not taken; empty: they are."""
    try:
        return next(_problems(objects), "")
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        return f"an object lacks what each has ({type(error).__name__}: {error})"


def kind_of(objects: Sequence[Json], kind: str) -> Json:
    """The one object of this kind."""
    return next(one for one in objects if one["kind"] == kind)


def _problems(objects: Sequence[Json]) -> Iterator[str]:
    for one in objects:
        if KINDS.get(one["kind"], ("",))[0] != one["apiVersion"]:
            allowed = ", ".join(f"{kind} of {version}" for kind, (version, _) in KINDS.items())
            yield f"{one['kind']} of {one['apiVersion']}; allowed: {allowed}"
    found = sorted(one["kind"] for one in objects)
    if found != sorted(KINDS):
        yield f"there are {', '.join(found) or 'none'}; allowed: one of each of {', '.join(sorted(KINDS))}"
    for one in objects:
        if not isinstance(one["metadata"]["name"], str) or "namespace" in one["metadata"]:
            yield f"{one['kind']} has no name, or a namespace; allowed: a name, since the agent has a namespace"
    yield from _of_service(kind_of(objects, "Service"))
    yield from _of_pods(objects)


def _of_service(service: Json) -> Iterator[str]:
    spec = service["spec"]
    if spec.get("type", "ClusterIP") != "ClusterIP" or any(field in spec for field in _FROM_ELSEWHERE):
        yield f"the Service is a {spec.get('type')} or names addresses; allowed: ClusterIP"
    if not spec["selector"] or not spec["ports"]:
        yield "the Service has no selector or no port"


def _of_pods(objects: Sequence[Json]) -> Iterator[str]:
    deployment = kind_of(objects, "Deployment")["spec"]
    pods, labels = deployment["template"]["spec"], deployment["template"]["metadata"]["labels"]
    account, config = (kind_of(objects, kind)["metadata"]["name"] for kind in ("ServiceAccount", "ConfigMap"))
    if pods.get("serviceAccountName") != account or pods.get("automountServiceAccountToken") is not False:
        yield f"its pods are not of ServiceAccount {account} without a token"
    for volume in pods.get("volumes", []):
        if not set(volume) <= _VOLUMES or volume.get("configMap", {}).get("name", config) != config:
            yield f"volume {volume.get('name')} is none of ConfigMap {config} and emptyDir"
    if len(pods["containers"]) != 1 or pods.get("initContainers") or pods.get("ephemeralContainers"):
        yield "its pods have other than one container"
    container = pods["containers"][0]
    sources = {source for one in container.get("env", []) for source in one.get("valueFrom", {})}
    if "image" in container or "envFrom" in container or not sources <= _OF_ITSELF:
        yield "its container names an image, which is the document's, or takes variables from elsewhere"
    if container["ports"][0]["containerPort"] != SERVER_PORT:
        yield f"its container's first port is not {SERVER_PORT}"
    wanted = kind_of(objects, "Service")["spec"]["selector"].items()
    if not wanted <= labels.items():
        yield "the Service does not select its pods"
    fence = kind_of(objects, "NetworkPolicy")["spec"]
    if set(fence.get("policyTypes", [])) != {"Ingress", "Egress"} or fence.get("egress"):
        yield "the NetworkPolicy lets its pods connect to others"
    if not fence["podSelector"]["matchLabels"].items() <= labels.items():
        yield "the NetworkPolicy is not about its pods"

"""Draw who may reach what, from the NetworkPolicies, routes and listeners of the plan, and what is encrypted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipway.environments.planning.kinds import planning
from slipway.graph.drawing import Picture
from slipway.plan.model import Plan
from slipway.render.environment import UNKNOWN_ADDRESSES, render_environment
from slipway.render.gateway import envoy_labels
from slipway.render.model import placeholder_image, render_model
from slipway.render.templates import Manifest

_NAMES = ("app.kubernetes.io/name", "app.kubernetes.io/component")
_ANYWHERE = "any address"
_NAME_SERVICE = 53


def security(plan: Plan) -> Picture:
    """Who may connect to which pods and where these may connect to; all else is denied where a policy says so."""
    drawn = Picture(f"{plan.environment}: who may reach what")
    manifests = render_environment(plan)
    for model in plan.models:
        manifests += render_model(model, placeholder_image(model))
    envoy = envoy_labels(plan.settings.namespace)
    policies = [one for one in manifests if one["kind"] == "NetworkPolicy"]
    for policy in policies:
        labels = policy["spec"]["podSelector"].get("matchLabels", {})
        rules = [rule for way in ("ingress", "egress") for rule in policy["spec"].get(way, ())]
        if not rules and not any(name in labels for name in _NAMES):
            drawn.notes.append(f"NetworkPolicy {policy['metadata']['name']}: what no arrow shows is denied.")
            continue
        _policy(drawn, policy["spec"], _pods(drawn, labels, envoy), envoy)
    _listeners(drawn, manifests)
    drawn.notes += _encrypted(plan, manifests)
    return drawn


def _policy(drawn: Picture, spec: Mapping[str, Any], pods: str, envoy: Mapping[str, str]) -> None:
    for rule in spec.get("ingress", ()):
        for peer in _peers(drawn, rule.get("from"), envoy):
            drawn.arrow(peer, pods, _ports(rule))
    for rule in spec.get("egress", ()):
        if [port.get("port") for port in rule.get("ports", ())] == [_NAME_SERVICE] * 2:
            drawn.arrow(pods, drawn.box("names", "name service", kind="others"), "port 53")
            continue
        for peer in _peers(drawn, rule.get("to"), envoy, out=True):
            drawn.arrow(pods, peer, _ports(rule))


def _peers(
    drawn: Picture, peers: Sequence[Mapping[str, Any]] | None, envoy: Mapping[str, str], *, out: bool = False
) -> Iterator[str]:
    if not peers:
        yield drawn.box(f"anywhere {out}", _ANYWHERE, "the policy names none", kind="others")
    for peer in peers or ():
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            if block["cidr"] == UNKNOWN_ADDRESSES:
                yield drawn.box("store", "model store", "addresses known after `up`", kind="data")
                continue
            inside = (f"but {len(block['except'])} ranges",) if block.get("except") else ()
            yield drawn.box(f"{block['cidr']} {out}", block["cidr"], *inside, kind="others")
        else:
            yield _pods(drawn, peer.get("podSelector", {}).get("matchLabels", {}), envoy)


def _pods(drawn: Picture, labels: Mapping[str, str], envoy: Mapping[str, str]) -> str:
    """The box of the pods that have these labels."""
    if envoy.items() <= labels.items() and labels:
        return drawn.box("gateway", "gateway", "pods of Envoy")
    name = next((labels[one] for one in _NAMES if one in labels), None)
    if name is not None:
        return drawn.box(f"pods {name}", f"pods of {name}")
    text = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return drawn.box(f"pods {text}", f"pods with {text}" if text else "any pod", kind="others")


def _ports(rule: Mapping[str, Any]) -> str:
    ports = sorted({str(port["port"]) for port in rule.get("ports", ())})
    return f"port {', '.join(ports)}" if ports else "any port"


def _listeners(drawn: Picture, manifests: Sequence[Manifest]) -> None:
    """Clients come in by the gateway's listeners, and by its routes to pods."""
    for gateway in (one for one in manifests if one["kind"] == "Gateway"):
        client = drawn.box("client", "client", "outside the cluster", kind="person")
        drawn.box("gateway", "gateway", "pods of Envoy")
        for listener in gateway["spec"]["listeners"]:
            secure = listener["protocol"] in ("HTTPS", "TLS")
            drawn.arrow(client, "gateway", f"{listener['protocol']} {listener['port']}", encrypted=secure)
    guarded = {
        target["name"]
        for policy in manifests
        if policy["kind"] == "SecurityPolicy" and "extAuth" in policy["spec"]
        for target in policy["spec"]["targetRefs"]
    }
    for route in (one for one in manifests if one["kind"] in ("HTTPRoute", "GRPCRoute")):
        name = route["metadata"]["name"]
        for rule in route["spec"]["rules"]:
            for backend in rule.get("backendRefs", ()):
                pods = drawn.box(f"pods {backend['name']}", f"pods of {backend['name']}")
                drawn.arrow("gateway", pods, "after the keys service" if name in guarded else "without a check")


def _encrypted(plan: Plan, manifests: Sequence[Manifest]) -> Iterator[str]:
    for policy in (one for one in manifests if one["kind"] == "ClientTrafficPolicy"):
        yield f"In transit: clients speak TLS {policy['spec']['tls']['minVersion']} or newer to the gateway."
    yield "In transit: between pods the plan adds no encryption; what a network plugin adds is not known here."
    kept = planning(plan.settings).encrypted_at_rest
    if kept is None:
        yield "Where data lies: the cluster is others'; what its disks are encrypted with is not known here."
    else:
        yield f"Where data lies: encrypted with a key of its own for each of {', '.join(kept)}."

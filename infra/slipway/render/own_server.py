"""Say what the templates of a model get about a server of its own: variables, port, probes, who connects, to whom."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.catalog.pod_contract import NAME_SERVICE, SERVER_USER
from slipway.plan.model import ModelPlan
from slipway.render.gateway import envoy_labels
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.spec.custom.egress import CLOSED, Egress, Network
from slipway.spec.custom.environment import MODEL_PATH, PORT, SecretKey
from slipway.spec.others.own import OwnServer

METRICS_FROM = ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}},)
"""Who may ask for metrics where only the gateway may ask for answers: Prometheus, by its operator's label."""
USERS_OF_NODES = 10_000
"""Up to here a user of a pod may be somebody on its node, too."""
_EVERYWHERE = ("0.0.0.0/0", "::/0")
Rules = list[dict[str, Any]]


def own_values(model: ModelPlan) -> dict[str, Any]:
    """What takes the place of a runtime's values where the spec brings an image with its own server; else what is not
    there for Slipway's own."""
    server = model.spec.own_server
    if server is None:
        return {
            "user": SERVER_USER,
            "ingress_from": None,
            "pre_stop_s": None,
            "secret_variables": None,
            "low_user": None,
            "metrics_port": None,
            "metrics_from": None,
        }
    variables = model.spec.env
    secrets = [name for name, value in variables.items() if isinstance(value, SecretKey)]
    metrics = server.metrics
    weights = {MODEL_PATH: path} if (path := _weights(model)) is not None else {}
    return {
        "environment": [
            *({"name": name, "value": value} for name, value in {PORT: str(server.port), **weights}.items()),
            *(_variable(name, value) for name, value in variables.items()),
        ],
        "server_port": server.port,
        "ready_path": server.ready,
        "live_path": server.live,
        "user": server.user,
        "egress": own_egress(model.spec.egress),
        "ingress_from": ingress_from(model.namespace, public=model.spec.endpoint.public) if model.fenced else None,
        # A server of others may end as soon as it is told to, and calls come until everybody knows.
        "pre_stop_s": int(model.timing.drain_s) or None,
        "secret_variables": ", ".join(secrets) or None,
        "low_user": str(server.user) if server.user <= USERS_OF_NODES else None,
        "metrics_port": metrics[0] if metrics is not None else None,
        "metrics_from": [*METRICS_FROM] if metrics is not None and model.fenced else None,
    }


def own_exceptions(server: OwnServer) -> list[str]:
    """Checks of kube-score that a person's own choice overrules: one path for both probes, a user of the image's."""
    found = ["pod-probes-identical"] if server.live == server.ready else []
    return found + (["container-security-context-user-group-id"] if server.user <= USERS_OF_NODES else [])


def _weights(model: ModelPlan) -> str | None:
    """Path of the file of weights in the image."""
    beside = (file for file in model.image.files if file.text is None)
    return next((file.image_path for file in beside if file.image_path.startswith(f"{WEIGHTS_FOLDER}/")), None)


def _variable(name: str, value: str | SecretKey) -> dict[str, Any]:
    if isinstance(value, SecretKey):
        return {"name": name, "valueFrom": {"secretKeyRef": {"name": value.secret, "key": value.key or name}}}
    # The kubelet would put other variables in the place of $(NAME).
    return {"name": name, "value": value.replace("$", "$$")}


def ingress_from(namespace: str, *, public: bool) -> Rules:
    """Who may connect to a server that checks no pass, where there is a gateway: its Envoy, or else the namespace.

    Envoy Gateway may run it in a namespace of its own.
    """
    if public:
        return [{"namespaceSelector": {}, "podSelector": {"matchLabels": envoy_labels(namespace)}}]
    return [{"podSelector": {}}]


def own_egress(wanted: Sequence[Egress]) -> Rules | None:
    """What the pods may connect to; None for nothing. Whoever names a host may look up names."""
    if not wanted:
        return None
    named = any(one.network is None for one in wanted)
    rules = [_rule(one) for one in wanted]
    return [*([{"ports": [*NAME_SERVICE]}] if named else []), *_once(rules)]


def _rule(one: Egress) -> dict[str, Any]:
    network = one.network
    ports = [{"port": one.port, "protocol": "TCP"}]
    if network is not None:
        return {"to": [_block(network)], "ports": ports}
    # Pods are no addresses to every plugin.
    blocks = [_block_of(text) for text in _EVERYWHERE]
    return {"to": [*blocks, {"namespaceSelector": {}}], "ports": ports}


def _once(rules: Sequence[Mapping[str, Any]]) -> Rules:
    """Each rule once: two names at one port are the same rule."""
    found: Rules = []
    for rule in rules:
        if rule not in found:
            found.append(dict(rule))
    return found


def _block_of(text: str) -> dict[str, Any]:
    version = 6 if ":" in text else 4
    closed = [str(one) for one in CLOSED if one.version == version]
    return {"ipBlock": {"cidr": text, "except": closed}}


def _block(network: Network) -> dict[str, Any]:
    inside = [one for one in CLOSED if one.version == network.version and one.subnet_of(network)]  # type: ignore[arg-type]
    block: dict[str, Any] = {"cidr": str(network)}
    return {"ipBlock": block | ({"except": [str(one) for one in inside]} if inside else {})}

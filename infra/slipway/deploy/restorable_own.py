"""Decide whether what a recorded release says of an image's own server may be applied.

Who may write ConfigMaps may have written the record. So of what would give them more than that, a release has no more
than the spec of now: Secrets that it reads, addresses that it connects to, who connects to it. A command is a part of
the image, and variables that make programs run other code no spec may have. The rest may differ between releases.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.artifacts.golden_request import Asked
from slipway.plan.model import ModelPlan
from slipway.policy.resource import read
from slipway.render.own_server import METRICS_FROM, ingress_from, own_egress
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.runtimes.others.base import METRICS_PORT
from slipway.spec.custom.environment import MODEL_PATH, PORT, VALUE_MOST, VARIABLES_MOST, SecretKey, is_ours, loads_code
from slipway.spec.custom.image import SERVER_PATH, USER_MOST

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_WEIGHTS = re.compile(rf"{WEIGHTS_FOLDER}(?:/[^/\0]{{1,255}}){{1,4}}")
_SLEEP_MOST_S = 3600
_PATH_MOST = 200


@dataclass(frozen=True)
class OwnServer:
    """What a release of a model may have at most, by its spec of now.

    Attributes:
        secrets: names and keys of Secrets that it may read.
        egress: rules of what it may connect to.
        ingress: who may connect to it; None for everybody.
    """

    secrets: frozenset[tuple[str, str]]
    egress: Sequence[Mapping[str, Any]]
    ingress: Sequence[Mapping[str, Any]] | None

    @classmethod
    def of(cls, plan: ModelPlan) -> "OwnServer | None":
        """What the spec of a plan says; None for a model that Slipway's own server runs."""
        if plan.spec.own_server is None:
            return None
        secrets = {(one.secret, one.key or name) for name, one in plan.spec.env.items() if isinstance(one, SecretKey)}
        ingress = ingress_from(plan.namespace, public=plan.spec.endpoint.public) if plan.fenced else None
        return cls(frozenset(secrets), own_egress(plan.spec.egress) or (), ingress)

    def problems(self, manifests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """What of a release is more than the spec of now says, in words: templates tell only that it is not theirs."""
        for one in manifests:
            if one.get("kind") == "Deployment":
                yield from self._other_secrets(one)
            elif one.get("kind") == "NetworkPolicy" and self._leaves(one):
                yield "it connects to what egress of the spec of now does not name"
            if one.get("kind") == "NetworkPolicy" and self.ingress is not None and not self._is_fenced(one):
                yield "its NetworkPolicy lets others connect than the spec of now does"

    def _other_secrets(self, deployment: Mapping[str, Any]) -> Iterator[str]:
        variables = read(dict(deployment), "spec.template.spec.containers.0.env")
        for one in variables if isinstance(variables, list) else ():
            if isinstance(one, dict) and "valueFrom" in one and not self._is_secret(one["valueFrom"]):
                yield f"its variable {str(one.get('name'))[:80]} reads what env of the spec of now does not name"

    def _leaves(self, policy: Mapping[str, Any]) -> bool:
        egress = read(dict(policy), "spec.egress")
        return egress is not None and not self._is_egress(egress)

    def _is_fenced(self, policy: Mapping[str, Any]) -> bool:
        spec = policy.get("spec")
        rules = spec.get("ingress") if isinstance(spec, dict) else None
        return isinstance(rules, list) and all(
            isinstance(rule, dict) and (rule.get("from") == self.ingress or _is_of_metrics(rule)) for rule in rules
        )

    def checks(self, asked: Asked) -> Mapping[str, Callable[[Any], bool]]:
        """A check for each value of the templates that a spec says of its own server."""
        return {
            "environment": self._is_environment,
            "server_port": lambda value: type(value) is int and value == asked.port,
            "metrics_port": lambda value: type(value) is int and value == METRICS_PORT,
            "metrics_from": lambda value: value == list(METRICS_FROM),
            "ready_path": _is_path,
            "live_path": _is_path,
            "checked_path": _is_path,
            "user": lambda value: type(value) is int and 0 < value <= USER_MOST,
            "egress": self._is_egress,
            "ingress_from": lambda value: self.ingress is not None and value == self.ingress,
            "pre_stop_s": lambda value: type(value) is int and 0 < value <= _SLEEP_MOST_S,
        }

    def _is_environment(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) > VARIABLES_MOST + 2:
            return False
        names = [one.get("name") if isinstance(one, dict) else None for one in value]
        return len(set(map(str, names))) == len(names) and all(map(self._is_variable, value))

    def _is_variable(self, one: Any) -> bool:
        if not isinstance(one, dict) or not isinstance(name := one.get("name"), str) or not _NAME.fullmatch(name):
            return False
        text = one.get("value")
        if name == PORT:
            return one.keys() == {"name", "value"} and isinstance(text, str) and text.isascii() and text.isdecimal()
        if name == MODEL_PATH:
            return one.keys() == {"name", "value"} and isinstance(text, str) and bool(_WEIGHTS.fullmatch(text))
        if loads_code(name) or is_ours(name):
            return False
        if one.keys() == {"name", "value"}:
            return isinstance(text, str) and len(text) <= 2 * VALUE_MOST
        return one.keys() == {"name", "valueFrom"} and self._is_secret(one["valueFrom"])

    def _is_secret(self, source: Any) -> bool:
        found = source.get("secretKeyRef") if isinstance(source, dict) and source.keys() == {"secretKeyRef"} else None
        if not isinstance(found, dict) or found.keys() != {"name", "key"}:
            return False
        name, key = found["name"], found["key"]
        return isinstance(name, str) and isinstance(key, str) and (name, key) in self.secrets

    def _is_egress(self, value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(rule in self.egress for rule in value)


def _is_of_metrics(rule: Mapping[str, Any]) -> bool:
    """Whether a rule lets Prometheus ask for metrics, and nothing else."""
    ports = [{"port": METRICS_PORT, "protocol": "TCP"}]
    return rule.get("ports") == ports and rule.get("from") == list(METRICS_FROM)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _PATH_MOST and SERVER_PATH.fullmatch(value) is not None

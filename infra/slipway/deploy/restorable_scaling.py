"""Decide whether a recorded ScaledObject may be applied: KEDA asks the addresses in it, with its own rights.

Who may write ConfigMaps must not lead KEDA elsewhere, nor give it credentials: both addresses are those of the
environment as it is planned now, and a trigger has the keys that a release has. Numbers, times and the query may
differ: an earlier release scaled otherwise.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slipway.cluster.autoscalers import HPA, SCALED_OBJECT
from slipway.plan.release import Release

_TEXT = 512
_QUERY = 32 * 1024
_MOST = 100
_TRIGGER = {"type", "name", "metricType", "metadata"}
_METADATA: Mapping[str, frozenset[str]] = {
    "prometheus": frozenset({"serverAddress", "query", "threshold", "ignoreNullValues"}),
    "cpu": frozenset({"value"}),
    "cron": frozenset({"timezone", "start", "end", "desiredReplicas"}),
    "metrics-api": frozenset(
        {"url", "valueLocation", "aggregateFromKubeServiceEndpoints", "aggregationType", "targetValue"}
    ),
}
_WORDS = {
    "ignoreNullValues": "false",
    "valueLocation": "waiting",
    "aggregateFromKubeServiceEndpoints": "true",
    "aggregationType": "sum",
}
_BEHAVIOR = {"scaleUp", "scaleDown"}
_RULES = {"stabilizationWindowSeconds", "selectPolicy", "policies"}
_POLICY = {"type", "value", "periodSeconds"}


def readdressed(release: Release, prometheus: str | None) -> Release:
    """A release whose ScaledObject asks the Prometheus that the environment has now: it may have moved since."""
    if prometheus is None:
        return release
    return replace(release, manifests=tuple(_readdressed(one, prometheus) for one in release.manifests))


def are_triggers(value: Any, prometheus: str | None, demand: str) -> bool:
    """Whether a value can be the triggers of a release; `demand`: where KEDA asks who waits for the model."""
    if not isinstance(value, list) or not 0 < len(value) <= _MOST:
        return False
    return all(_is_trigger(item, {**_WORDS, "serverAddress": prometheus, "url": demand}) for item in value)


def is_behavior(value: Any) -> bool:
    """Whether a value can be how fast replicas follow in a release."""
    return _has_only(value, _BEHAVIOR) and all(_are_rules(rules) for rules in value.values())


def writers(kinds: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which of a release's objects, by their kinds, set its replicas; more than one is none of Slipway's."""
    found = [kind for kind in (HPA, SCALED_OBJECT) if kind in kinds]
    spec = kinds.get("Deployment", {}).get("spec")
    return ["Deployment", *found] if isinstance(spec, dict) and "replicas" in spec else found


def _is_trigger(item: Any, exactly: Mapping[str, str | None]) -> bool:
    if not _has_only(item, _TRIGGER) or not isinstance(item.get("type"), str):
        return False
    metadata, keys = item.get("metadata"), _METADATA.get(item["type"], frozenset())
    if not isinstance(metadata, dict) or metadata.keys() - keys:
        return False
    words = [value for key, value in item.items() if key != "metadata"]
    return all(_is_text(word, _TEXT) for word in words) and all(
        _is_text(text, _QUERY if key == "query" else _TEXT) and text == exactly.get(key, text)
        for key, text in metadata.items()
    )


def _are_rules(rules: Any) -> bool:
    if not _has_only(rules, _RULES) or not _is_number(rules.get("stabilizationWindowSeconds", 0)):
        return False
    policies = rules.get("policies", [])
    return (
        rules.get("selectPolicy", "Max") in ("Max", "Min")
        and isinstance(policies, list)
        and len(policies) <= _MOST
        and all(_is_policy(policy) for policy in policies)
    )


def _is_policy(policy: Any) -> bool:
    return (
        _has_only(policy, _POLICY)
        and policy.get("type") in ("Percent", "Pods")
        and all(_is_number(policy.get(key, 0)) for key in ("value", "periodSeconds"))
    )


def _has_only(value: Any, keys: set[str]) -> bool:
    return isinstance(value, dict) and value.keys() <= keys


def _is_text(value: Any, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9


def _readdressed(manifest: Mapping[str, Any], prometheus: str) -> dict[str, Any]:
    """A manifest, which may be anybody's, with another address where it is a ScaledObject that names one."""
    spec = manifest.get("spec")
    if manifest.get("kind") != SCALED_OBJECT or not isinstance(spec, dict):
        return dict(manifest)
    triggers: Any = spec.get("triggers")
    if not isinstance(triggers, list):
        return dict(manifest)
    return {**manifest, "spec": {**spec, "triggers": [_asking(item, prometheus) for item in triggers]}}


def _asking(trigger: Any, prometheus: str) -> Any:
    metadata = trigger.get("metadata") if isinstance(trigger, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("serverAddress"), str):
        return trigger
    return {**trigger, "metadata": {**metadata, "serverAddress": prometheus}}

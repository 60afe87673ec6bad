"""Lead calls to both releases of a rollout, and a part of them to its judge, by the route of the model."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.catalog.pod_contract import JUDGE_PORT, VARIANT_HEADER, VARIANT_NEW, VARIANT_NONE, VARIANT_OLD
from slipway.plan.rollout import WEIGHT, RolloutPlan
from slipway.render.templates import Manifest
from slipway.values import names
from slipway.values.quantities import compact_json

_MIRROR = "RequestMirror"


def judged_route(manifests: Sequence[Manifest], rollout: RolloutPlan, share: float, *, judge: bool) -> list[Manifest]:
    """The manifests of a model with a route to both releases.

    Args:
        manifests: of a release of the model, its HTTPRoute among them.
        rollout: what is judged.
        share: of the calls that the new release gets, from 0 to 1.
        judge: whether a part of the calls is replayed. The judge's Service has to be there: while a route names one
            that is not, Envoy Gateway answers all of its calls with 500.
    """
    return [_judged(one, rollout, share, judge=judge) for one in manifests]


def _judged(manifest: Manifest, rollout: RolloutPlan, share: float, *, judge: bool) -> Manifest:
    if manifest["kind"] == "HTTPRoute":
        return _route(manifest, rollout, share, judge=judge)
    if manifest["kind"] == "SecurityPolicy" and rollout.sticky is not None:
        return _deciding(manifest, rollout)
    return manifest


def _route(route: Manifest, rollout: RolloutPlan, share: float, *, judge: bool) -> Manifest:
    plain, *others = route["spec"]["rules"]
    rule = plain | {"filters": [*plain["filters"], *([_mirror(rollout)] if judge else [])]}
    (ref,) = plain["backendRefs"]
    rules = [rule | {"backendRefs": _both(ref, rollout, rollout.weights(share))}]
    if rollout.header is not None:
        asked = _with_header(rule, rollout.header.name, rollout.header.value)
        rules.append(asked | {"backendRefs": _both(ref, rollout, rollout.weights(float(share > 0)))})
    if rollout.sticky is not None:
        for value, side in ((VARIANT_NEW, rollout.new), (VARIANT_OLD, rollout.old)):
            rules.append(_with_header(rule, VARIANT_HEADER, value) | {"backendRefs": [ref | {"name": side.service}]})
    metadata = route["metadata"]
    annotations = metadata["annotations"] | {
        names.ROUTE_ANNOTATION: _rules(metadata["annotations"][names.ROUTE_ANNOTATION], rollout),
        names.ROLLOUT_ANNOTATION: rollout.id,
    }
    spec = route["spec"] | {"rules": [*rules, *others]}
    return route | {"metadata": metadata | {"annotations": annotations}, "spec": spec}


def _rules(written: str, rollout: RolloutPlan) -> str:
    """What the keys service decides by: who is kept with a release, by a header or, where it is null, by the key."""
    if rollout.sticky is None:
        return written
    return compact_json({**json.loads(written), "sticky": {"header": rollout.sticky.name}})


def quiet(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rules of a judged route in which the first gets all calls, and none is replayed.

    What leaves a route must have no calls by then: Envoy drops its cluster first, and answers them with 500.
    """
    silent = [{**rule, "filters": [one for one in rule["filters"] if one["type"] != _MIRROR]} for rule in rules]
    return [silent[0], *(_closed(rule) for rule in silent[1:])]


def _closed(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule that no call gets to any more; that of feedback, which leads to no release, stays."""
    if any(ref["name"] == names.KEYS for ref in rule["backendRefs"]):
        return dict(rule)
    return _with_header(rule, VARIANT_HEADER, VARIANT_NONE)


def _both(ref: Mapping[str, Any], rollout: RolloutPlan, weights: tuple[int, int]) -> list[dict[str, Any]]:
    sides = zip((rollout.old, rollout.new), weights, strict=True)
    return [{**ref, "name": side.service, "weight": weight} for side, weight in sides]


def _with_header(rule: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    """The rule for calls with a header; one that asks for more goes before one that asks for less."""
    headers = [{"type": "Exact", "name": name, "value": value}]
    return {**rule, "matches": [{**match, "headers": headers} for match in rule["matches"]]}


def _mirror(rollout: RolloutPlan) -> dict[str, Any]:
    judge = {"group": "", "kind": "Service", "name": names.judge(rollout.model), "port": JUDGE_PORT}
    share = {"numerator": round(WEIGHT * rollout.shadow), "denominator": WEIGHT}
    return {"type": _MIRROR, "requestMirror": {"backendRef": judge, "fraction": share}}


def _deciding(policy: Manifest, rollout: RolloutPlan) -> Manifest:
    """A policy by which the keys service says, for each call, which of the two releases it goes to."""
    asked = policy["spec"]["extAuth"]
    http = asked["http"] | {"headersToBackend": [*asked["http"]["headersToBackend"], VARIANT_HEADER]}
    by = [rollout.sticky.name] if rollout.sticky is not None and rollout.sticky.name is not None else []
    shown = {"headersToExtAuth": [*asked["headersToExtAuth"], *by]}
    return policy | {"spec": policy["spec"] | {"extAuth": asked | shown | {"http": http, "recomputeRoute": True}}}

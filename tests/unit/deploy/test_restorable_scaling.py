"""A record cannot lead KEDA elsewhere, nor give it credentials, nor set the replicas twice."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.cluster.autoscalers import SCALED_OBJECT
from slipway.deploy.record import save
from slipway.deploy.restorable import Owner, problems, restorable
from slipway.deploy.restorable_scaling import are_triggers, is_behavior, readdressed
from slipway.deploy.way_in import without_way_in
from slipway.plan.release import Release
from tests.support.planned import scaling_plan
from tests.support.releases import deployed, release_of

Json = dict[str, Any]

MODEL = scaling_plan("measured").find("all-of-it", Path())
OWNER = Owner.of(MODEL)
RELEASE = without_way_in(release_of(MODEL))


def changed(change: Callable[[Json], object]) -> Release:
    """The release with its ScaledObject's `spec` changed."""
    manifests = copy.deepcopy(RELEASE.manifests)
    change(next(one["spec"] for one in manifests if one["kind"] == SCALED_OBJECT))
    return replace(RELEASE, manifests=manifests)


def found(release: Release, owner: Owner = OWNER) -> str:
    return "\n".join(problems(release, owner, [MODEL.image.repository]))


def trigger(spec: Json, kind: str) -> Json:
    return dict(next(one for one in spec["triggers"] if one["type"] == kind))


def of(kind: str) -> Callable[[Json], Json]:
    """The metadata of a trigger, to be changed in place."""
    return lambda spec: next(one["metadata"] for one in spec["triggers"] if one["type"] == kind)


def test_the_release_itself_is_right() -> None:
    assert found(RELEASE) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: of("prometheus")(spec).update(serverAddress="http://169.254.169.254"),
        lambda spec: of("prometheus")(spec).update(customHeaders="Metadata-Flavor=Google"),
        lambda spec: of("prometheus")(spec).update(unsafeSsl="true"),
        lambda spec: of("prometheus")(spec).update(ignoreNullValues="true"),
        lambda spec: of("prometheus")(spec).update(query="x" * 100_000),
        lambda spec: of("metrics-api")(spec).update(url="http://keys.slipway.svc:8081/demand/other"),
        lambda spec: of("metrics-api")(spec).update(valueLocation="else"),
        lambda spec: of("cron")(spec).update(desiredReplicas=3),
        lambda spec: spec["triggers"][0].update(authenticationRef={"name": "aws"}),
        lambda spec: spec["triggers"][0].update(type="aws-cloudwatch"),
        lambda spec: spec["triggers"].append({"type": "kubernetes-workload", "metadata": {"podSelector": ""}}),
        lambda spec: spec["triggers"].clear(),
        lambda spec: spec.update(triggers={}),
        lambda spec: spec.update(fallback={"replicas": 1000}),
        lambda spec: spec["advanced"].update(restoreToOriginalReplicaCount=True),
        lambda spec: spec["advanced"].update(scalingModifiers={"formula": "1"}),
        lambda spec: spec["advanced"]["horizontalPodAutoscalerConfig"].update(name="other"),
        lambda spec: spec["advanced"]["horizontalPodAutoscalerConfig"].update(behavior={"x": 1}),
        lambda spec: spec["scaleTargetRef"].update(name="other"),
        lambda spec: spec["scaleTargetRef"].update(kind="StatefulSet"),
    ],
)
def test_what_no_release_has_is_refused(change: Callable[[Json], object]) -> None:
    assert "ScaledObject" in found(changed(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec.update(maxReplicaCount=99),
        lambda spec: of("prometheus")(spec).update(threshold="17", query="sum(up)"),
        lambda spec: of("cron")(spec).update(start="0 6 * * *", timezone="UTC"),
        lambda spec: spec["triggers"].pop(),
        lambda spec: spec.pop("idleReplicaCount"),
    ],
)
def test_an_earlier_release_scaled_otherwise(change: Callable[[Json], object]) -> None:
    assert found(changed(change)) == ""


def test_a_release_with_two_writers_is_refused() -> None:
    scaled = scaling_plan("measured").find("by-cpu", Path())
    (hpa,) = [one for one in release_of(scaled).manifests if one["kind"] == "HorizontalPodAutoscaler"]
    hpa = copy.deepcopy(hpa)
    hpa["metadata"] |= {"name": MODEL.name, "labels": dict(MODEL.labels)}
    hpa["spec"]["scaleTargetRef"]["name"] = MODEL.name
    two = replace(RELEASE, manifests=(*RELEASE.manifests, hpa))
    assert "HorizontalPodAutoscaler and ScaledObject would set its replicas at once" in found(two)


def test_a_prometheus_that_moved_is_asked_where_it_is_now() -> None:
    cluster = deployed(MODEL)
    save(cluster, RELEASE, cluster.objects["Deployment", MODEL.name])
    moved = replace(OWNER, prometheus="http://thanos.metrics:9090")
    restored = restorable(cluster, moved)
    assert restored is not None
    (spec,) = [one["spec"] for one in restored.manifests if one["kind"] == SCALED_OBJECT]
    assert trigger(spec, "prometheus")["metadata"]["serverAddress"] == "http://thanos.metrics:9090"


def test_without_monitoring_nothing_asks_prometheus() -> None:
    assert "ScaledObject.spec.triggers" in found(RELEASE, replace(OWNER, prometheus=None))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)


@given(ANYTHING)
def test_what_is_anything_at_all_is_judged_without_an_exception(value: Any) -> None:
    assert are_triggers(value, "http://p", "http://k") in (True, False)
    assert is_behavior(value) in (True, False)
    manifest = {"kind": SCALED_OBJECT, "spec": value}
    assert readdressed(replace(RELEASE, manifests=(manifest, {"kind": value})), "http://p").model == RELEASE.model

"""Who may call a model is never decided by a record, which others may write."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.deploy.record import save
from slipway.deploy.restorable import Owner, problems, restorable
from slipway.deploy.way_in import with_way_in, without_way_in
from slipway.render.model import render_model
from slipway.render.objects import WAY_IN
from slipway.values.names import RELEASE_LABEL, ROUTE_ANNOTATION
from tests.support.planned import gateway_plan, sleeper
from tests.support.releases import deployed, release_of

PLAN = sleeper()
RELEASE = release_of(PLAN)


def test_a_release_is_recorded_without_its_way_in() -> None:
    assert {one["kind"] for one in RELEASE.manifests} > WAY_IN - {"GRPCRoute"}
    cluster = deployed(PLAN)
    save(cluster, RELEASE, cluster.objects["Deployment", PLAN.name])
    restored = restorable(cluster, Owner.of(PLAN))
    assert restored == without_way_in(RELEASE)
    assert not {one["kind"] for one in restored.manifests} & WAY_IN


@pytest.mark.parametrize("kind", sorted(WAY_IN - {"GRPCRoute"}))
def test_a_record_with_a_route_or_rules_of_somebody_is_refused(kind: str) -> None:
    smuggled = [one for one in RELEASE.manifests if one["kind"] == kind or one["kind"] not in WAY_IN]
    found = list(problems(replace(RELEASE, manifests=tuple(smuggled)), Owner.of(PLAN), [PLAN.image.repository]))
    assert any(f"{kind} of" in one and "does not belong to a model" in one for one in found)


def test_a_restore_keeps_the_planned_route_under_the_labels_of_the_restored_release() -> None:
    assert PLAN.traffic is not None
    tightened = replace(PLAN, traffic=replace(PLAN.traffic, path="/new", auth="oidc"))
    earlier = replace(without_way_in(RELEASE), version="0.9.0", digest="e" * 64)
    restored = with_way_in(earlier, tightened)
    route = next(one for one in restored.manifests if one["kind"] == "HTTPRoute")
    assert route["spec"]["rules"][0]["matches"][0]["path"]["value"] == "/new"
    assert json.loads(route["metadata"]["annotations"][ROUTE_ANNOTATION])["auth"] == "oidc"
    assert route["metadata"]["labels"][RELEASE_LABEL] == "e" * 16
    assert restored.manifests[: len(earlier.manifests)] == earlier.manifests


def test_a_model_without_a_route_gets_none_back() -> None:
    inside = gateway_plan("own").find("inside", Path())
    assert with_way_in(RELEASE, inside).manifests == without_way_in(RELEASE).manifests


def test_a_model_that_may_be_open_today_can_be_restored() -> None:
    model = gateway_plan("own").find("open", Path())
    release = without_way_in(release_of(model))
    assert list(problems(release, Owner.of(model), [model.image.repository])) == []
    assert [one["kind"] for one in render_model(model, release.image)][-1] == "HTTPRoute"

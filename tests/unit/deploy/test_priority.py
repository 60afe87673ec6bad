"""What is restored has the priority that its model has by now, and no class goes while a model names it."""

from dataclasses import replace

import pytest

from slipway.deploy.priority import remove_unused_classes, with_priority
from slipway.deploy.restorable import Owner, problems
from slipway.plan.release import Release
from slipway.render.model import render_model
from slipway.values.names import environment_labels, priority_class
from tests.support.fake_cluster import FakeCluster
from tests.support.releases import planned, release_of

OLD, NEW = (priority_class("slipway", "vision", value) for value in (10, 20))


def classes(release: Release) -> list[str | None]:
    return [
        one["spec"]["template"]["spec"].get("priorityClassName")
        for one in release.manifests
        if one["kind"] == "Deployment"
    ]


def with_class(name: str | None) -> Release:
    """A release whose pods have a class."""
    model = replace(planned(), priority_class=name)
    release = release_of(planned())
    return replace(release, manifests=tuple(render_model(model, release.image)))


@pytest.mark.parametrize(("was", "is_now"), [(OLD, NEW), (None, NEW), (OLD, None)])
def test_what_is_restored_has_the_class_of_the_plan(was: str | None, is_now: str | None) -> None:
    before = with_class(was)
    assert classes(with_priority(before, replace(planned(), priority_class=is_now))) == [is_now]
    assert classes(before) == [was]


@pytest.mark.parametrize("name", ["system-node-critical", "slipway.other.vision.10", 7])
def test_a_record_with_the_class_of_somebody_else_is_refused(name: str) -> None:
    owner = Owner.of(planned())
    assert list(problems(with_class(OLD), owner, [owner.repository])) == []
    found = list(problems(with_class(name), owner, [owner.repository]))
    assert found == ["Deployment.spec.template.spec.priorityClassName is not one of this model's"]


def cluster_with(*names: str) -> FakeCluster:
    cluster = FakeCluster()
    for name in names:
        cluster._put({"kind": "PriorityClass", "metadata": {"name": name, "labels": environment_labels("local")}})
    return cluster


def test_a_class_goes_once_neither_settings_nor_a_model_name_it() -> None:
    cluster = cluster_with(OLD, NEW, "slipway.other.vision.10")
    pods = {"template": {"spec": {"priorityClassName": OLD}}}
    labels = {"app.kubernetes.io/managed-by": "slipway"}
    cluster._put({"kind": "Deployment", "metadata": {"name": "digits", "labels": labels}, "spec": pods})
    remove_unused_classes(cluster, "local", {NEW})
    assert len(cluster.names("PriorityClass", "")) == 3
    cluster.delete("Deployment", "digits")
    remove_unused_classes(cluster, "local", {NEW})
    assert set(cluster.names("PriorityClass", "")) == {NEW, "slipway.other.vision.10"}


def test_whoever_may_not_list_classes_of_the_cluster_has_made_none() -> None:
    cluster = cluster_with(OLD)
    cluster.forbidden.add("PriorityClass")
    remove_unused_classes(cluster, "local", ())
    assert ("PriorityClass", OLD) in cluster.objects

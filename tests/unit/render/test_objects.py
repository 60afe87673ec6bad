"""The registry of a model's objects is complete, and what reads it follows it."""

from pathlib import Path

import pytest

from slipway.cluster.api import Cluster
from slipway.deploy.down import KINDS
from slipway.installation import templates
from slipway.render.model import model_shapes, placeholder_image, render_model
from slipway.render.objects import MODEL_OBJECTS, Phase, object_of
from slipway.render.rollout.objects import ROLLOUT_OBJECTS
from tests.support.planned import fixture_plan

KUBECONFIG = {
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "c",
}


def test_each_template_is_of_one_row_and_makes_what_the_row_says() -> None:
    files = {path.name.removesuffix(".yaml.j2") for path in Path(templates() / "kubernetes/model").iterdir()}
    assert sorted(row.template for row in MODEL_OBJECTS) == sorted(files)
    made = [(shape["apiVersion"], shape["kind"]) for shape in model_shapes()]
    assert made == [(row.api_version, row.kind) for row in MODEL_OBJECTS]


def test_a_model_has_the_objects_whose_rows_say_so_in_their_order() -> None:
    models = fixture_plan("cloud").models
    for model in models:
        kinds = [manifest["kind"] for manifest in render_model(model, placeholder_image(model))]
        assert kinds == [row.kind for row in MODEL_OBJECTS if row.when(model)]
    assert {model.autoscaled for model in models} == {True, False}


def test_down_looks_for_every_object_and_begins_with_what_makes_pods() -> None:
    of_rollouts = {row.kind for row in ROLLOUT_OBJECTS}
    assert {row.kind for row in MODEL_OBJECTS} | of_rollouts | {"Pod", "Lease"} == set(KINDS)
    assert KINDS[0] == next(row.kind for row in MODEL_OBJECTS if row.phase is Phase.PODS)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("ConfigMap", "/api/v1/namespaces/ns/configmaps/x"),
        ("Deployment", "/apis/apps/v1/namespaces/ns/deployments/x"),
        ("NetworkPolicy", "/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies/x"),
        ("Lease", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/x"),
    ],
)
def test_the_path_of_an_object_follows_from_its_row(kind: str, path: str) -> None:
    assert Cluster("c", "ns", KUBECONFIG).url(kind, "x") == path


def test_an_unknown_kind_raises_wherever_it_is_asked_for() -> None:
    with pytest.raises(LookupError, match="no model has an object of kind CronJob; MODEL_OBJECTS has ServiceAccount"):
        object_of("CronJob")
    with pytest.raises(LookupError, match="no path is known of kind CronJob; the known ones are AlertmanagerConfig"):
        Cluster("c", "ns", KUBECONFIG).url("CronJob")

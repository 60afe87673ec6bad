"""Karpenter itself answers: nodes from none, limits, empty nodes, budgets, drift, and as many nodes as a plan says.

Its controllers are real, its nodes kwok's (slipway.rehearsal.karpenter says what is a stand-in). One Karpenter for all
tests, each with a pool of its own: to start it takes longer than a test.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from slipway.capacity.packing import Load, demand, packed
from slipway.environments.planning.aws.pools import pools
from slipway.loading.specs import load_settings
from slipway.plan.model import ModelPlan
from slipway.render.model import placeholder_image, render_model
from slipway.settings.aws import AwsSettings
from tests.support.karpenter_pools import node_objects, with_pool
from tests.support.karpenter_room import Room, deployment, room
from tests.support.planned import FIXTURES, fleet_plan

pytest.importorskip("moto", reason="`make .venv/.aws` brings EC2's descriptions of instance types")


@pytest.fixture(scope="module")
def fleet() -> AwsSettings:
    settings = load_settings(FIXTURES / "aws" / "settings", "fleet")
    assert isinstance(settings, AwsSettings)
    return settings


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, fleet: AwsSettings) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("karpenter"), fleet) as made:
        yield made


def test_nodes_come_from_none_up_to_the_limit_and_go_when_they_are_empty(here: Room, fleet: AwsSettings) -> None:
    here.apply(*node_objects(with_pool(fleet, {"name": "few", "max_nodes": 2})))
    assert here.nodes("few") == {}
    here.apply(deployment("few", "few", replicas=1, cpu="5"))
    here.wait("the first pod", lambda: len(here.placed("few")) == 1)

    here.patch("Deployment", "few", {"spec": {"replicas": 5}})
    here.wait("as many nodes as the pool may have", lambda: len(here.placed("few")) == 2)
    assert here.stays(10, lambda: len(here.nodes("few")) == 2 == len(here.placed("few")))

    here.patch("Deployment", "few", {"spec": {"replicas": 0}})
    leaving: list[int] = []
    here.wait(
        "no node", lambda: not here.nodes("few"), lambda: leaving.append(len(disrupted(here.nodes("few").values())))
    )
    assert max(leaving) == 1


def test_a_full_pool_gets_another_image_node_by_node_and_models_keep_their_budgets(
    here: Room, fleet: AwsSettings
) -> None:
    """The pool has its most nodes: one more is there while one is replaced."""
    here.apply(*node_objects(with_pool(fleet, {"name": "drifting", "max_nodes": 3})))
    here.apply(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "drifting"},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "drifting"}}},
        },
        deployment("drifting", "drifting", replicas=3, cpu="5"),
    )
    here.wait("three pods", lambda: len(set(here.placed("drifting"))) == 3)
    old = set(here.nodes("drifting"))
    here.patch("EC2NodeClass", "drifting", {"spec": {"amiSelectorTerms": [{"alias": "al2023@v20261125"}]}})

    def watch() -> None:
        assert len(here.placed("drifting")) >= 2
        assert len(disrupted(here.nodes("drifting").values())) <= 1
        assert len(here.nodes("drifting")) <= 4

    here.wait("no node of before", lambda: not old & set(here.nodes("drifting")), watch)
    here.wait("three pods on new nodes", lambda: len(set(here.placed("drifting")) - old) == 3)


def test_a_node_that_is_taken_back_is_replaced(here: Room, fleet: AwsSettings) -> None:
    """EC2's notice of two minutes makes Karpenter delete the node's claim; here the test does so."""
    here.apply(*node_objects(with_pool(fleet, {"name": "taken", "max_nodes": 2})))
    here.apply(deployment("taken", "taken", replicas=1, cpu="5"))
    here.wait("a pod", lambda: len(here.placed("taken")) == 1)
    (gone,) = here.placed("taken")
    (claim,) = here.items("NodeClaim", "karpenter.sh/nodepool=taken")
    here.delete("NodeClaim", claim["metadata"]["name"])
    here.wait("the pod elsewhere", lambda: len(here.placed("taken")) == 1 and gone not in here.placed("taken"))
    here.wait("the end of the node", lambda: gone not in here.nodes("taken"))


def test_bounds_are_raised_and_lowered_under_what_runs(here: Room, fleet: AwsSettings) -> None:
    """Nodes that always run are held by pods that do nothing; a bound under what runs takes no node away."""

    def bounds(least: int, most: int) -> None:
        pool = {"name": "bounded", "min_nodes": least, "max_nodes": most}
        here.apply(*node_objects(with_pool(fleet, pool)))

    bounds(1, 3)
    here.wait("one node without a model", lambda: len(here.nodes("bounded")) == 1)
    bounds(2, 3)
    here.wait("two nodes without a model", lambda: len(here.nodes("bounded")) == 2)
    here.apply(deployment("bounded", "bounded", replicas=2, cpu="5"))
    here.wait("a pod on each", lambda: len(set(here.placed("bounded"))) == 2)
    before = set(here.nodes("bounded"))
    bounds(1, 1)
    here.patch("Deployment", "bounded", {"spec": {"replicas": 3}})
    assert here.stays(10, lambda: set(here.nodes("bounded")) == before and len(here.placed("bounded")) == 2)
    here.patch("Deployment", "bounded", {"spec": {"replicas": 0}})
    here.wait("the one node that always runs", lambda: len(here.nodes("bounded")) == 1)
    assert here.stays(10, lambda: len(here.nodes("bounded")) == 1)


def test_models_of_every_kind_get_as_many_nodes_as_their_plan_counts(here: Room, fleet: AwsSettings) -> None:
    """All models of the golden plans at their most replicas. What runs on every node is a DaemonSet, as on AWS."""
    models = fleet_plan().models
    most = {model.name: model.spec.scale.max for model in models}
    expected = {}
    for one in pools(fleet):
        loads = [
            Load(model.name, demand(model.spec.resources), most[model.name])
            for model in models
            if model.pool.name == one.name
        ]
        nodes, found = packed(one, loads)
        assert all(found[load.model] == load.replicas for load in loads)
        expected[one.name] = max(nodes.used, one.min_nodes)
    here.apply(agents(), *node_objects(fleet, settle="1h"))
    here.apply(*(workload(model, most[model.name]) for model in models))

    def running() -> Counter[str]:
        pods = here.items("Pod", "app.kubernetes.io/managed-by=slipway")
        return Counter(
            one["metadata"]["labels"]["app.kubernetes.io/name"] for one in pods if one["status"]["phase"] == "Running"
        )

    here.wait("all pods", lambda: running() == most)
    assert {name: len(here.nodes(name)) for name in expected} == expected


def agents() -> dict[str, Any]:
    """What runs on each node beside models, as large as the plan takes it to be."""
    requests = {"cpu": "300m", "memory": "512Mi"}
    container = {"name": "agents", "image": "none", "resources": {"requests": requests}}
    labels = {"app": "agents"}
    pod = {"containers": [container], "tolerations": [{"operator": "Exists"}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agents"}, "spec": spec}


def workload(model: ModelPlan, replicas: int) -> dict[str, Any]:
    """A model's Deployment as it is rendered, with so many replicas, and without its account of its own."""
    (found,) = (one for one in render_model(model, placeholder_image(model)) if one["kind"] == "Deployment")
    found["metadata"].pop("namespace")
    found["spec"]["replicas"] = replicas
    found["spec"]["template"]["spec"].pop("serviceAccountName", None)
    return found


def disrupted(nodes: Any) -> list[str]:
    """Nodes that Karpenter is taking away."""
    return [
        node["metadata"]["name"]
        for node in nodes
        if any(taint["key"] == "karpenter.sh/disrupted" for taint in node["spec"].get("taints", ()))
    ]

"""What others have in the cluster is neither taken over nor deleted: `up` and `down` as a user runs them."""

from typing import Any

from slipway.values.aliases import Json
from tests.support.workbench import Workbench, post

REQUEST = {"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}


def make_namespace(bench: Workbench) -> None:
    """Another team's, in which it has something."""
    metadata = {"name": bench.namespace, "labels": {"owner": "team-a"}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    bench.cluster.request("POST", "/api/v1/namespaces", body=namespace)
    make_precious(bench)


def make_precious(bench: Workbench) -> None:
    bench.cluster.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "precious"}, "data": {"a": "b"}}
    )


def precious(bench: Workbench) -> Any:
    return (bench.cluster.read("ConfigMap", "precious") or {}).get("data")


def labels(bench: Workbench) -> dict[str, str]:
    namespace: Json = bench.cluster.read("Namespace", bench.namespace) or {"metadata": {}}
    found = namespace["metadata"].get("labels", {})
    return {key: value for key, value in found.items() if key != "kubernetes.io/metadata.name"}


def test_a_namespace_of_another_team_is_refused_by_up_and_left_by_down(bench: Workbench) -> None:
    bench.write("scaled")
    make_namespace(bench)
    up = bench.up()
    assert up.returncode == 1, up.stdout + up.stderr
    assert f'namespace: "{bench.namespace}" already exists in context slipway-local' in up.stderr
    assert "labels owner=team-a" in up.stderr
    assert f"--adopt {bench.namespace}" in up.stderr
    down = bench.run("down", bench.environment, "--yes")
    assert down.returncode == 0, down.stdout + down.stderr
    assert f"namespace {bench.namespace} is retained: it does not belong to this environment" in down.stdout
    assert labels(bench) == {"owner": "team-a"}
    assert precious(bench) == {"a": "b"}


def test_a_namespace_that_is_adopted_by_name_is_used_and_given_back_as_it_was(bench: Workbench) -> None:
    bench.write("scaled", 3.0)
    make_namespace(bench)
    up = bench.up("--adopt", bench.namespace)
    assert up.returncode == 0, up.stdout + up.stderr
    assert post(bench.port("scaled"), REQUEST)["outputs"] == {"y": [[3, 3, 3]]}
    assert labels(bench) == {"owner": "team-a", "slipway.dev/adopted-by": bench.environment}
    assert bench.cluster.read("NetworkPolicy", "default-deny") is None
    policy = bench.cluster.read("NetworkPolicy", "slipway-default-deny")
    assert policy is not None
    assert policy["spec"]["podSelector"]["matchLabels"]["slipway.dev/environment"] == bench.environment
    assert "0 of 1 models to deploy" in bench.up().stderr
    down = bench.well("down", bench.environment, "--yes")
    assert f"namespace {bench.namespace} is retained: it was adopted" in down
    assert bench.objects() == set()
    assert labels(bench) == {"owner": "team-a"}
    assert precious(bench) == {"a": "b"}


def test_what_others_put_into_our_namespace_survives_down_and_the_namespace_goes_when_it_is_gone(
    bench: Workbench,
) -> None:
    bench.write("scaled")
    bench.well("up", bench.environment, "--yes")
    make_precious(bench)
    said = bench.well("down", bench.environment, "--yes")
    assert f"namespace {bench.namespace} is retained: it contains what Slipway did not make: ConfigMap precious" in said
    assert bench.objects() == set()
    assert precious(bench) == {"a": "b"}
    bench.cluster.delete("ConfigMap", "precious")
    assert "nothing is left in the cluster" in bench.well("down", bench.environment, "--yes")
    assert bench.cluster.read("Namespace", bench.namespace) is None


def test_an_object_with_a_models_name_is_refused_and_what_no_stack_knows_goes_with_down(bench: Workbench) -> None:
    bench.write("scaled")
    bench.well("up", bench.environment, "--yes")
    bench.write("other")
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "other", "labels": {"app": "shop"}},
        "spec": {"ports": [{"port": 80}]},
    }
    bench.cluster.create(service)
    up = bench.up()
    assert up.returncode == 1, up.stdout + up.stderr
    assert f"needs Service {bench.namespace}/other, which exists and is not its own (labels app=shop" in up.stderr
    assert (bench.cluster.read("Service", "other") or {})["metadata"]["labels"] == {"app": "shop"}
    bench.cluster.delete("Service", "other")
    ours = {"app.kubernetes.io/managed-by": "slipway", "app.kubernetes.io/name": "scaled"}
    stray = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "scaled-0123456789abcdef", "labels": ours}}
    bench.cluster.create(stray)
    assert "nothing is left in the cluster" in bench.well("down", bench.environment, "--yes")

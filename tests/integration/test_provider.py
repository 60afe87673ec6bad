"""The stand-in provider under the real Pulumi engine and on a real cluster."""

import base64
import concurrent.futures
import gc
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.engine.language_server import quiet_about_ended_programs
from tests.support.provider_images import REGISTRY, push
from tests.support.provider_stack import Cluster, Daemon, Manifest, Program, Stack, thing

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", autouse=True)
def failing_programs_end_quietly() -> Iterator[None]:
    """Programs that the engine ends half-way, which some are made for here, are no finding of a test."""
    before = sys.unraisablehook
    quiet_about_ended_programs()
    yield
    gc.collect()
    sys.unraisablehook = before


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    running = Daemon(tmp_path_factory.mktemp("provider"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    return push(tmp_path_factory.mktemp("actor"))


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace() as name:
        yield name


@pytest.fixture
def stack(tmp_path: Path, daemon: Daemon, cluster: Cluster) -> Stack:
    return Stack(tmp_path, daemon, cluster, upsertExistingObjects=True, enableConfigMapMutable=True)


def config_map(namespace: str, name: str = "settings", **data: str) -> Manifest:
    return {"metadata": {"name": name, "namespace": namespace}, "data": data}


def deployment(
    namespace: str, image: str, *args: str, name: str = "web", spec: Any = None, **container: Any
) -> Manifest:
    labels = {"app": name}
    server = {
        "name": "server",
        "image": image,
        "args": list(args) or ["serve"],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        **container,
    }
    pod = {"containers": [server], "terminationGracePeriodSeconds": 1}
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            **(spec or {}),
        },
    }


def only(token: str, manifest: Manifest, **options: Any) -> Program:
    def program(provider: pulumi.ProviderResource) -> None:
        thing(provider, "it", token, manifest, **options)

    return program


def path(namespace: str, plural: str, name: str, root: str = "/api/v1") -> str:
    return f"{root}/namespaces/{namespace}/{plural}/{name}"


def test_an_object_is_created_left_alone_changed_in_place_and_deleted(
    stack: Stack, cluster: Cluster, namespace: str
) -> None:
    where = path(namespace, "configmaps", "settings")
    program = only("core/v1:ConfigMap", config_map(namespace, a="1"))
    assert stack.up(program) == {"create": 3}
    first = cluster.call("GET", where)
    assert first is not None
    assert stack.up(program) == {"same": 3}
    assert stack.up(only("core/v1:ConfigMap", config_map(namespace, a="2", b="3"))) == {"same": 2, "update": 1}
    second = cluster.call("GET", where)
    assert second is not None
    assert second["data"] == {"a": "2", "b": "3"}
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert stack.up(only("core/v1:ConfigMap", config_map(namespace, b="3")))["update"] == 1
    assert (cluster.call("GET", where) or {})["data"] == {"b": "3"}, "a field that the program dropped is gone"
    stack.destroy()
    assert cluster.call("GET", where) is None


def test_it_says_once_in_a_run_that_it_is_a_stand_in(stack: Stack, namespace: str) -> None:
    stack.up(only("core/v1:ConfigMap", config_map(namespace)))
    diagnostics = stack.said.partition("Diagnostics:")[2]
    assert diagnostics.count("stand-in for the pulumi-kubernetes plugin") == 1
    stack.destroy()


def test_the_state_has_the_real_plugins_shape(stack: Stack, namespace: str) -> None:
    stack.up(only("core/v1:ConfigMap", config_map(namespace, a="1")))
    item = stack.state()["it"]
    assert item["id"] == f"{namespace}/settings"
    outputs = item["outputs"]
    assert outputs["__inputs"] == item["inputs"]
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__fieldManager"].startswith("pulumi-kubernetes-")
    assert outputs["data"] == {"a": "1"}
    assert "uid" in outputs["metadata"]
    stack.destroy()


def test_a_preview_shows_the_field_that_changes(stack: Stack, namespace: str, image: str) -> None:
    stack.up(only("apps/v1:Deployment", deployment(namespace, image, spec={"replicas": 0})))
    changed = deployment(namespace, image, spec={"replicas": 0}, env=[{"name": "A", "value": "1"}])
    assert stack.preview(only("apps/v1:Deployment", changed)) == {"same": 2, "update": 1}
    assert "+ env" in stack.said.replace("  ", " ")
    assert "+-" not in stack.said
    stack.destroy()


def test_a_namespace_a_new_kind_and_an_object_of_it_can_be_made_by_one_program(
    stack: Stack, cluster: Cluster, namespace: str
) -> None:
    group = f"{namespace}.example.com"
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"size": {"type": "integer"}, "zone": {"type": "string", "x-kubernetes-validations": [
                    {"rule": "self == oldSelf", "message": "zone is immutable"}]}},
            }
        },
    }  # fmt: skip
    kind = {
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }

    def program(size: int, zone: str) -> Program:
        def run(provider: pulumi.ProviderResource) -> None:
            made = thing(provider, "kind", "apiextensions.k8s.io/v1:CustomResourceDefinition", kind)
            space = thing(provider, "space", "core/v1:Namespace", {"metadata": {"name": f"{namespace}-b"}})
            widget = {"metadata": {"name": "w", "namespace": f"{namespace}-b"}, "spec": {"size": size, "zone": zone}}
            thing(provider, "widget", f"{group}/v1:Widget", widget, depends_on=[made, space])

        return run

    assert stack.preview(program(1, "a")) == {"create": 5}
    assert stack.up(program(1, "a")) == {"create": 5}
    assert stack.preview(program(2, "a")) == {"same": 4, "update": 1}
    assert stack.up(program(2, "a"))["update"] == 1
    assert stack.preview(program(2, "b")) == {"same": 4, "replace": 1}, "the API server says which field is immutable"
    assert stack.up(program(2, "b"))["replace"] == 1
    live = cluster.call("GET", path(f"{namespace}-b", "widgets", "w", f"/apis/{group}/v1"))
    assert (live or {})["spec"] == {"size": 2, "zone": "b"}
    stack.destroy()
    assert cluster.call("GET", f"/api/v1/namespaces/{namespace}-b") is None, (
        "deleting a namespace waits until it is gone"
    )


def test_a_context_of_another_kubeconfig_of_the_caller_is_deployed_to(
    tmp_path: Path, daemon: Daemon, cluster: Cluster, namespace: str
) -> None:
    config = json.loads(Path(cluster.kubeconfig).read_text())
    for kind in ("clusters", "users", "contexts"):
        config[kind][0]["name"] = "second"
    config["contexts"][0]["context"] = {"cluster": "second", "user": "second", "namespace": namespace}
    (tmp_path / "second").write_text(json.dumps(config))
    environ = {"KUBECONFIG": f"{cluster.kubeconfig}:{tmp_path}/second"}
    second = Stack(tmp_path / "stack", daemon, cluster, environ, kubeconfig=None, context="second")
    second.up(only("core/v1:ConfigMap", {"metadata": {"name": "settings"}, "data": {"a": "1"}}))
    assert cluster.call("GET", path(namespace, "configmaps", "settings")) is not None
    second.destroy()


def test_a_field_that_does_not_exist_is_refused_with_its_path_and_nothing_is_made(
    stack: Stack, cluster: Cluster, namespace: str, image: str
) -> None:
    wrong = deployment(namespace, image, spec={"replicaz": 2})
    told = stack.failure(only("apps/v1:Deployment", wrong))
    assert "spec.replicaz: apps/v1 Deployment has no such field" in told
    assert cluster.call("GET", path(namespace, "deployments", "web", "/apis/apps/v1")) is None


def test_a_field_that_somebody_else_manages_is_a_conflict_until_it_is_taken_over(
    stack: Stack, cluster: Cluster, namespace: str
) -> None:
    where = path(namespace, "configmaps", "settings")
    stack.up(only("core/v1:ConfigMap", config_map(namespace, a="1")))
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "theirs"}}
    apply = "application/apply-patch+yaml"
    cluster.call("PATCH", f"{where}?fieldManager=somebody&force=true", theirs, apply)
    mine = config_map(namespace, a="mine")
    told = stack.failure(only("core/v1:ConfigMap", mine))
    assert '"somebody" manages data.a' in told
    assert "pulumi.com/patchForce" in told
    assert (cluster.call("GET", where) or {})["data"] == {"a": "theirs"}
    mine["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    stack.up(only("core/v1:ConfigMap", mine))
    assert (cluster.call("GET", where) or {})["data"] == {"a": "mine"}
    stack.destroy()


def test_an_object_that_exists_is_not_taken_over_unless_the_provider_is_told_so(
    tmp_path: Path, daemon: Daemon, cluster: Cluster, namespace: str, stack: Stack
) -> None:
    cluster.call("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "settings"}})
    program = only("core/v1:ConfigMap", config_map(namespace, a="1"))
    told = Stack(tmp_path / "strict", daemon, cluster).failure(program)
    assert f"ConfigMap {namespace}/settings already exists and is not in this stack's state" in told
    assert stack.up(program) == {"create": 3}


def test_a_creation_that_was_cut_off_before_the_state_was_written_is_taken_up_again(
    tmp_path: Path, daemon: Daemon, cluster: Cluster, namespace: str
) -> None:
    settings = {"upsertExistingObjects": True, "enableConfigMapMutable": True}
    Stack(tmp_path / "lost", daemon, cluster, **settings).up(
        only("core/v1:ConfigMap", config_map(namespace, a="1", b="2"))
    )
    again = Stack(tmp_path / "again", daemon, cluster, **settings)
    again.up(only("core/v1:ConfigMap", config_map(namespace, a="3")))
    assert (cluster.call("GET", path(namespace, "configmaps", "settings")) or {})["data"] == {"a": "3"}
    again.destroy()


def test_a_resource_without_a_name_is_replaced_by_one_beside_it(stack: Stack, cluster: Cluster, namespace: str) -> None:
    binding = {
        "metadata": {"namespace": namespace},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    }
    token = "rbac.authorization.k8s.io/v1:RoleBinding"
    stack.up(only(token, binding))
    first = stack.state()["it"]["id"]
    binding["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
    assert stack.up(only(token, binding))["replace"] == 1
    second = stack.state()["it"]["id"]
    assert first != second
    items = (cluster.call("GET", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings") or {})[
        "items"
    ]
    assert [f"{namespace}/{item['metadata']['name']}" for item in items] == [second]
    stack.destroy()


def test_a_changed_selector_deletes_the_deployment_of_that_name_first(stack: Stack, namespace: str, image: str) -> None:
    stack.up(only("apps/v1:Deployment", deployment(namespace, image)))
    other = deployment(namespace, image)
    other["spec"]["selector"]["matchLabels"] = other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    assert stack.up(only("apps/v1:Deployment", other))["replace"] == 1
    stack.destroy()


def test_drift_is_shown_by_refresh_and_put_right_by_the_next_run(
    stack: Stack, cluster: Cluster, namespace: str
) -> None:
    where, program = path(namespace, "configmaps", "settings"), only("core/v1:ConfigMap", config_map(namespace, a="1"))
    stack.up(program)
    cluster.call("PATCH", where, {"data": {"a": "drift", "other": "x"}}, "application/merge-patch+json")
    assert stack.refresh(program)["update"] == 1
    assert stack.state()["it"]["inputs"]["data"] == {"a": "drift"}, (
        "fields that the program does not manage are no drift"
    )
    forced = config_map(namespace, a="1")
    forced["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    assert stack.up(only("core/v1:ConfigMap", forced))["update"] == 1
    assert (cluster.call("GET", where) or {})["data"] == {"a": "1", "other": "x"}
    cluster.call("DELETE", where)
    assert stack.refresh(program)["delete"] == 1
    stack.destroy()


def test_an_object_is_imported_by_namespace_and_name(stack: Stack, cluster: Cluster, namespace: str) -> None:
    cluster.call(
        "POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "settings"}, "data": {"a": "1"}}
    )
    program = only("core/v1:ConfigMap", config_map(namespace, a="1"), import_=f"{namespace}/settings")
    assert stack.up(program).get("import") == 1, stack.said
    assert stack.up(only("core/v1:ConfigMap", config_map(namespace, a="1")))["same"] == 3
    stack.destroy()


def test_a_secret_is_in_the_cluster_but_neither_in_the_state_nor_in_the_log(
    stack: Stack, cluster: Cluster, daemon: Daemon, namespace: str
) -> None:
    secret = {"metadata": {"name": "s", "namespace": namespace}, "stringData": {"token": "t0ps3cret-value"}}
    stack.up(only("core/v1:Secret", secret))
    live = cluster.call("GET", path(namespace, "secrets", "s")) or {}
    encoded = base64.b64encode(b"t0ps3cret-value").decode()
    assert live["data"]["token"] == encoded
    for text in (stack.stored(), daemon.log.read_text(), stack.said):
        assert "t0ps3cret-value" not in text
        assert encoded not in text
    assert stack.refresh(only("core/v1:Secret", secret)) == {"same": 3}
    stack.destroy()


def test_a_workload_and_its_service_are_done_when_they_serve(
    stack: Stack, cluster: Cluster, namespace: str, image: str
) -> None:
    service = {
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }

    def program(provider: pulumi.ProviderResource) -> None:
        thing(provider, "web", "apps/v1:Deployment", deployment(namespace, image, spec={"replicas": 2}))
        thing(provider, "service", "core/v1:Service", service)

    started = time.monotonic()
    stack.up(program)
    assert time.monotonic() - started > 10, "a Service is waited for until its endpoints have settled"
    live = cluster.call("GET", path(namespace, "deployments", "web", "/apis/apps/v1")) or {}
    assert live["status"]["availableReplicas"] == 2
    assert stack.state()["web"]["outputs"]["status"]["availableReplicas"] == 2
    stack.destroy()


LIMIT_S = 8


def failing(stack: Stack, manifest: Manifest, token: str = "apps/v1:Deployment") -> str:
    """Deploy what does not become live, and is waited for to its limit; what was said."""
    started = time.monotonic()
    limits = pulumi.CustomTimeouts(create=f"{LIMIT_S}s", update=f"{LIMIT_S}s")
    told = stack.failure(only(token, manifest, custom_timeouts=limits))
    assert time.monotonic() - started > LIMIT_S, f"the real plugin would wait on:\n{told}"
    assert f"not live after {LIMIT_S} s" in told
    return told


def test_a_missing_image_is_waited_for_what_served_goes_on_and_the_next_run_repairs_it(
    stack: Stack, cluster: Cluster, namespace: str, image: str
) -> None:
    stack.up(only("apps/v1:Deployment", deployment(namespace, image)))
    assert "not found" in failing(stack, deployment(namespace, f"{REGISTRY}/nothing:1"))
    live = cluster.call("GET", path(namespace, "deployments", "web", "/apis/apps/v1")) or {}
    assert live["status"]["availableReplicas"] == 1
    assert stack.state()["it"]["initErrors"], "the engine knows that the object is not live"
    told = failing(stack, deployment(namespace, f"{REGISTRY}/nothing:1"))
    assert "not found" in told, "the next run waits for it again although nothing changed"
    assert stack.up(only("apps/v1:Deployment", deployment(namespace, image)))["update"] == 1
    assert "initErrors" not in stack.state()["it"]
    stack.destroy()


def test_what_asks_for_no_waiting_is_applied_and_deleted_at_once(
    stack: Stack, cluster: Cluster, namespace: str, image: str
) -> None:
    skip = {"pulumi.com/skipAwait": "true"}
    service = {
        "metadata": {"name": "web", "namespace": namespace, "annotations": skip},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    broken = deployment(namespace, image, "unready")
    broken["metadata"]["annotations"] = skip
    broken["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30

    def program(provider: pulumi.ProviderResource) -> None:
        thing(provider, "web", "apps/v1:Deployment", broken)
        thing(provider, "service", "core/v1:Service", service)

    started = time.monotonic()
    assert stack.up(program) == {"create": 4}
    assert stack.refresh(program) == {"same": 4}, "a refresh does not ask either"
    stack.destroy()
    assert time.monotonic() - started < 10
    assert cluster.call("GET", path(namespace, "services", "web")) is None


def test_a_refresh_says_that_a_workload_is_not_live(stack: Stack, cluster: Cluster, namespace: str, image: str) -> None:
    program = only("apps/v1:Deployment", deployment(namespace, image))
    stack.up(program)
    where = path(namespace, "deployments", "web", "/apis/apps/v1")
    nothing = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": f"{REGISTRY}/nothing:1"}]
    cluster.call("PATCH", where, nothing, "application/json-patch+json")
    until = time.monotonic() + 20
    while True:
        stack.refresh(program)
        if "0 of 1 replicas ready" in str(stack.state()["it"].get("initErrors")):
            break
        assert time.monotonic() < until, stack.state()["it"].get("initErrors")
    stack.destroy()


def test_a_crash_loop_is_told_with_its_exit_code(stack: Stack, namespace: str, image: str) -> None:
    assert "exited with code 7" in failing(stack, deployment(namespace, image, "exit", "7", "cannot open the model"))
    stack.destroy()


def test_a_program_that_says_why_it_cannot_start_is_quoted(stack: Stack, namespace: str, image: str) -> None:
    assert "model file is damaged" in failing(stack, deployment(namespace, image, "explain", "model file is damaged"))
    stack.destroy()


def test_a_pod_that_crashes_once_and_recovers_is_no_failure(stack: Stack, namespace: str, image: str) -> None:
    manifest = deployment(
        namespace, image, "once", "/scratch/crashed", volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}]
    )
    manifest["spec"]["template"]["spec"]["volumes"] = [{"name": "scratch", "emptyDir": {}}]
    assert stack.up(only("apps/v1:Deployment", manifest)) == {"create": 3}
    stack.destroy()


def test_a_passed_progress_deadline_is_told_and_ends_no_wait(stack: Stack, namespace: str, image: str) -> None:
    told = failing(stack, deployment(namespace, image, "unready", spec={"progressDeadlineSeconds": 2}))
    assert "[ProgressDeadlineExceeded]" in told
    assert "containers with unready status: [server]" in told
    stack.destroy()


def test_a_missing_config_map_is_named(stack: Stack, namespace: str, image: str) -> None:
    told = failing(stack, deployment(namespace, image, envFrom=[{"configMapRef": {"name": "missing"}}]))
    assert 'configmap "missing" not found' in told
    stack.destroy()


def test_a_pod_that_fits_nowhere_is_told_in_the_schedulers_words(stack: Stack, namespace: str, image: str) -> None:
    told = failing(stack, deployment(namespace, image, resources={"requests": {"cpu": "900"}}))
    assert "has no node" in told
    assert "Insufficient cpu" in told
    stack.destroy()


def test_a_quota_that_refuses_pods_is_quoted(stack: Stack, cluster: Cluster, namespace: str, image: str) -> None:
    cluster.call(
        "POST",
        f"/api/v1/namespaces/{namespace}/resourcequotas",
        {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}},
    )
    assert "exceeded quota: none" in failing(stack, deployment(namespace, image))
    stack.destroy()


def test_a_volume_claim_that_no_volume_fits_says_so(stack: Stack, namespace: str) -> None:
    claim = {
        "metadata": {"name": "data", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    told = failing(stack, claim, token="core/v1:PersistentVolumeClaim")
    assert "no persistent volumes available for this claim" in told
    stack.destroy()


def test_a_job_is_done_when_it_succeeded_and_fails_as_soon_as_its_controller_gives_up(
    stack: Stack, namespace: str, image: str
) -> None:
    def job(code: str) -> Manifest:
        container = {"name": "work", "image": image, "args": ["exit", code, f"ended with {code}"]}
        return {
            "metadata": {"name": f"job-{code}", "namespace": namespace},
            "spec": {"backoffLimit": 0, "template": {"spec": {"containers": [container], "restartPolicy": "Never"}}},
        }

    assert stack.up(only("batch/v1:Job", job("0"))) == {"create": 3}
    told = stack.failure(only("batch/v1:Job", job("4")))
    assert "the job failed: [BackoffLimitExceeded]" in told
    assert "exited with code 4" in told
    stack.destroy()


def test_a_deletion_that_a_finalizer_holds_ends_at_its_limit_and_says_which(
    stack: Stack, cluster: Cluster, namespace: str
) -> None:
    held = config_map(namespace)
    held["metadata"]["finalizers"] = ["slipway.dev/guard"]
    held["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "2"}
    stack.up(only("core/v1:ConfigMap", held))
    told = stack.failure(lambda _: None)
    assert "finalizers slipway.dev/guard" in told
    where = path(namespace, "configmaps", "settings")
    cluster.call("PATCH", where, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    stack.destroy()
    assert cluster.call("GET", where) is None


def test_a_custom_timeout_ends_a_wait(stack: Stack, namespace: str, image: str) -> None:
    manifest = deployment(namespace, image, "unready")
    told = stack.failure(only("apps/v1:Deployment", manifest, custom_timeouts=pulumi.CustomTimeouts(create="3s")))
    assert "not live after 3 s" in told
    stack.destroy()


def test_stacks_run_side_by_side_in_one_provider(tmp_path: Path, daemon: Daemon, cluster: Cluster) -> None:
    def one(number: int) -> list[str]:
        with cluster.namespace() as name:
            own = Stack(tmp_path / str(number), daemon, cluster, namespace=name, enableConfigMapMutable=True)

            def program(provider: pulumi.ProviderResource) -> None:
                for index in range(5):
                    thing(
                        provider,
                        f"c{index}",
                        "core/v1:ConfigMap",
                        {"metadata": {"name": f"c{index}"}, "data": {"stack": str(number)}},
                    )

            own.up(program)
            items = (cluster.call("GET", f"/api/v1/namespaces/{name}/configmaps") or {})["items"]
            own.destroy()
            return [item["data"]["stack"] for item in items if item["metadata"]["name"].startswith("c")]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == [[str(number)] * 5 for number in range(4)]

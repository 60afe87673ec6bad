"""What rendered manifests must hold, whatever the templates look like."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from slipway_server.values.config import ServerConfig

from slipway.catalog.pod_contract import SERVER_PORT
from slipway.planner.environment import ModelPlan
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from slipway.settings.kubernetes import Taint
from tests.support.planned import fixture_plan, fleet_plan

MODELS = [model for plan in (fixture_plan("cloud"), fixture_plan("local"), fleet_plan()) for model in plan.models]
EACH = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stack)
KUBERNETES = "1.36"
OF_OPERATORS = ("keda.sh/", "monitoring.coreos.com/")
"""Groups of objects that Kubernetes itself does not know."""


def rendered(model: ModelPlan) -> dict[str, dict[str, Any]]:
    return {manifest["kind"]: manifest for manifest in render_model(model, placeholder_image(model))}


def pod(model: ModelPlan) -> Any:
    return rendered(model)["Deployment"]["spec"]["template"]["spec"]


@EACH
def test_every_object_is_valid_in_the_schema_of_kubernetes(model: ModelPlan) -> None:
    manifests = render_model(model, placeholder_image(model))
    known = [one for one in manifests if not one["apiVersion"].startswith(OF_OPERATORS)]
    assert len(known) > 5
    for manifest in known:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("environment", ["cloud", "local"])
def test_every_object_of_an_environment_is_valid_too(environment: str) -> None:
    for manifest in render_environment(fixture_plan(environment)):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@EACH
def test_every_object_has_the_labels_and_the_namespace(model: ModelPlan) -> None:
    for manifest in rendered(model).values():
        assert manifest["metadata"]["labels"] == model.labels
        assert manifest["metadata"]["namespace"] == model.namespace


@EACH
def test_with_an_autoscaler_the_deployment_has_no_replicas_and_without_one_it_has(model: ModelPlan) -> None:
    objects = rendered(model)
    autoscaled = model.spec.scale.max > model.spec.scale.min
    assert bool({"HorizontalPodAutoscaler", "ScaledObject"} & objects.keys()) is autoscaled
    assert ("replicas" in objects["Deployment"]["spec"]) is not autoscaled


@EACH
def test_the_objects_that_point_at_each_other_do(model: ModelPlan) -> None:
    objects = rendered(model)
    template = objects["Deployment"]["spec"]["template"]
    assert model.selector.items() <= template["metadata"]["labels"].items()
    assert objects["Service"]["spec"]["selector"] == model.selector
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == model.selector
    assert objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == model.selector
    assert template["spec"]["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]
    config = next(volume for volume in template["spec"]["volumes"] if "configMap" in volume)
    assert config["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]


@EACH
def test_the_configuration_is_one_that_the_server_accepts(model: ModelPlan) -> None:
    config = rendered(model)["ConfigMap"]["data"]["server.json"]
    assert json.loads(config)["release"] == model.release_digest
    ServerConfig.model_validate_json(config)
    with pytest.raises(ValidationError):
        ServerConfig.model_validate_json(config.replace('"port"', '"prot"'))


@EACH
def test_a_model_gets_only_its_port_and_reaches_nothing(model: ModelPlan) -> None:
    policy = rendered(model)["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"port": SERVER_PORT, "protocol": "TCP"}]}]
    # Weights that are fetched take the name servers and, on AWS, the agent that gives credentials to pods.
    assert ("egress" in policy) == (model.delivery.stored is not None)
    assert all(rule["to"] for rule in policy.get("egress", ()))


@EACH
def test_pods_satisfy_the_restricted_standard(model: ModelPlan) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, and a read-only root beyond it."""
    spec = pod(model)
    container = spec["containers"][0]["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert container["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert {next(key for key in volume if key != "name") for volume in spec["volumes"]} == {"configMap", "emptyDir"}


@EACH
def test_requests_are_limits_and_gpus_are_among_them(model: ModelPlan) -> None:
    resources = pod(model)["containers"][0]["resources"]
    assert resources["requests"] == resources["limits"]
    gpu = model.spec.resources.gpu
    asked = {name: amount for name, amount in resources["limits"].items() if name.startswith("nvidia.com/")}
    assert asked == ({model.pool.gpu.resource: str(gpu.count)} if gpu and model.pool.gpu else {})


def test_a_part_of_a_gpu_is_asked_for_by_the_name_of_its_kind() -> None:
    limits = {model.name: pod(model)["containers"][0]["resources"]["limits"] for model in fleet_plan().models}
    assert limits["gpu-mig"]["nvidia.com/mig-1g.10gb"] == "1"
    assert limits["gpu-shared"]["nvidia.com/gpu"] == "1"
    assert limits["llm"]["nvidia.com/gpu"] == "8"
    assert not any("nvidia" in name for name in limits["cpu"])


def test_an_update_that_may_stop_the_only_replica_never_starts_a_second_one() -> None:
    deployment = rendered(fleet_plan().find("gpu-only-one", Path()))["Deployment"]["spec"]
    assert deployment["replicas"] == 1
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_a_pod_on_a_pool_has_its_selector_and_tolerates_its_taints() -> None:
    spec = pod(next(model for model in MODELS if model.pool.name == "gpu"))
    assert spec["nodeSelector"] == {"example.com/pool": "gpu"}
    assert spec["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
    ]


def test_a_pod_tolerates_no_more_of_its_pools_own_taints_than_its_model_names() -> None:
    model = MODELS[0]
    kept = Taint(key="example.com/kept", value="yes", effect="NoSchedule")
    asking = Taint(key="example.com/asking", value="", effect="PreferNoSchedule")
    pool = replace(model.pool, taints=(kept, asking), reserved_by=(kept.key, asking.key))
    spec = model.spec.model_copy(update={"tolerates": (kept.key,)})
    tolerating = ModelPlan(
        **{name: getattr(model, name) for name in ModelPlan.__slots__} | {"pool": pool, "spec": spec}
    )
    assert pod(tolerating)["tolerations"] == [
        {"key": "example.com/kept", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}
    ]


@pytest.mark.parametrize(
    "text", ["{{ 7 * 7 }}", "a: b", "- x", '"', "'", "#", "\ue000name", "<b>&amp;", "&a *a", "null", "ü€😀", "%"]
)
def test_no_text_of_a_person_becomes_structure(text: str) -> None:
    model = MODELS[0]
    spec = model.spec.model_copy(update={"owner": text, "description": text})
    hostile = ModelPlan(**{name: getattr(model, name) for name in ModelPlan.__slots__} | {"spec": spec})
    plain, rendered_hostile = rendered(model), rendered(hostile)
    annotations = rendered_hostile["Deployment"]["metadata"]["annotations"]
    assert annotations["slipway.dev/owner"] == text
    assert annotations["slipway.dev/description"] == text
    own = ("slipway.dev/owner", "slipway.dev/description")
    annotations |= {key: plain["Deployment"]["metadata"]["annotations"][key] for key in own}
    assert rendered_hostile == plain


def test_the_yaml_reads_back_as_what_was_rendered_and_has_no_anchors() -> None:
    manifests = render_model(MODELS[0], placeholder_image(MODELS[0]))
    text = to_yaml(manifests)
    assert list(yaml.safe_load_all(text)) == manifests
    assert "&id" not in text


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["yes", "1e3", "", "0x1", "~", "a: b"])
)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_yaml_is_what_the_library_writes_byte_for_byte(value: object) -> None:
    whole = yaml.dump_all([{"v": value}], Dumper=Unaliased, sort_keys=False, explicit_start=True, width=110)
    assert to_yaml([{"v": value}]) == whole


class Unaliased(yaml.CSafeDumper):
    """Without anchors, which the library writes where one Python object is there twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def test_changing_one_rendered_object_changes_no_other() -> None:
    first = rendered(MODELS[0])
    first["Service"]["metadata"]["labels"]["app.kubernetes.io/name"] = "changed"
    assert first["Deployment"]["metadata"]["labels"] == MODELS[0].labels
    assert rendered(MODELS[0])["Service"]["metadata"]["labels"] == MODELS[0].labels

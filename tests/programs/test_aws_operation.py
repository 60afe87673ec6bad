"""How an environment on AWS is operated, on Pulumi's mocks: who may do less, what is kept, what is protected."""

from functools import lru_cache
from typing import Any

import pytest

from slipway.settings.aws import AwsSettings
from tests.support.aws_runs import each_environment, program_of, run_of, settings_of
from tests.support.recorder import Run, run_program

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROLE = "arn:aws:iam::123456789012:role/"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS"
OPERATED: dict[str, Any] = {
    "access": [
        {"role": f"{ROLE}audit", "level": "view"},
        {"role": f"{ROLE}vision", "level": "admin", "namespaces": ["slipway", "vision"]},
    ],
    "protect": True,
    "logging": {"types": ["audit"], "keep": "365d"},
    "platform": {"instance_type": "m7i.xlarge", "nodes": 3, "metrics": {"keep": 15, "disk": "50Gi"}},
}


@lru_cache
def operated() -> Run:
    """The environment `dev` with all of it."""
    settings = AwsSettings.model_validate(settings_of("dev").model_dump(mode="json", exclude_unset=True) | OPERATED)
    return run_program(program_of("dev", settings), "dev")


def prometheus(run: Run) -> dict[str, Any]:
    (chart,) = [one for one in run.of("kubernetes:helm.sh/v3:Release") if one.name == "prometheus"]
    spec: dict[str, Any] = chart.inputs["values"]["prometheus"]["prometheusSpec"]
    return spec


def test_roles_may_read_everything_or_run_some_namespaces_and_administrators_keep_theirs() -> None:
    run = operated()
    given = {
        one.inputs["principalArn"]: (one.inputs["policyArn"], one.inputs["accessScope"])
        for one in run.of("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    }
    assert given.pop(f"{ROLE}audit") == (f"{POLICY}ViewPolicy", {"type": "cluster"})
    some = {"type": "namespace", "namespaces": ["slipway", "vision"]}
    assert given.pop(f"{ROLE}vision") == (f"{POLICY}AdminPolicy", some)
    assert set(given) == set(settings_of("dev").administrators)
    assert all(policy == f"{POLICY}ClusterAdminPolicy" for policy, _ in given.values())
    entries = {one.inputs["principalArn"] for one in run.of("aws:eks/accessEntry:AccessEntry")}
    assert entries == {*given, f"{ROLE}audit", f"{ROLE}vision"}


def test_the_control_plane_writes_down_what_is_asked_for_as_long() -> None:
    run = operated()
    assert run.one("aws:eks/cluster:Cluster")["enabledClusterLogTypes"] == ["audit"]
    kept = {one.name: one.inputs["retentionInDays"] for one in run.of("aws:cloudwatch/logGroup:LogGroup")}
    assert kept == {"dev-cluster-logs": 365, "dev-flow-logs": 30}


def test_aws_is_told_to_protect_the_cluster_and_told_when_no_longer() -> None:
    assert operated().one("aws:eks/cluster:Cluster")["deletionProtection"] is True
    assert run_of("dev").one("aws:eks/cluster:Cluster")["deletionProtection"] is False


def test_the_platform_has_the_nodes_that_are_asked_for() -> None:
    (system,) = [
        group.inputs
        for group in operated().of("aws:eks/nodeGroup:NodeGroup")
        if group.inputs["nodeGroupName"].startswith("system-")
    ]
    assert system["instanceTypes"] == ["m7i.xlarge"]
    assert system["scalingConfig"] == {"minSize": 3, "maxSize": 3, "desiredSize": 3}


@each_environment
def test_broken_nodes_are_found_and_repaired_one_at_a_time(environment: str) -> None:
    run = run_of(environment)
    for group in run.of("aws:eks/nodeGroup:NodeGroup"):
        assert group.inputs["nodeRepairConfig"] == {"enabled": True, "maxParallelNodesRepairedCount": 1}
    (agent,) = [
        addon for addon in run.of("aws:eks/addon:Addon") if addon.inputs["addonName"] == "eks-node-monitoring-agent"
    ]
    # Else the taint of nodes with GPUs keeps the part away that watches GPUs.
    assert '"dcgmAgent": {"tolerations": [{"operator": "Exists"}]}' in agent.inputs["configurationValues"]


@each_environment
def test_volumes_are_encrypted_with_the_key_of_disks_and_say_whose_they_are(environment: str) -> None:
    run = run_of(environment)
    (made,) = run.manifests("StorageClass")
    assert made["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    parameters = dict(made["parameters"])
    tags = {parameters.pop(name) for name in list(parameters) if name.startswith("tagSpecification_")}
    assert parameters == {"type": "gp3", "encrypted": "true", "kmsKeyId": f"arn:{environment}-disks-key"}
    assert f"slipway:environment={environment}" in tags


def test_metrics_are_kept_on_a_volume_that_never_fills_and_goes_with_prometheus() -> None:
    spec = prometheus(operated())
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert (spec["retention"], spec["retentionSize"]) == ("15d", "40960MB")
    assert claim["resources"] == {"requests": {"storage": "50Gi"}}
    assert claim["storageClassName"] == operated().manifests("StorageClass")[0]["metadata"]["name"]
    assert spec["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete"


def test_without_a_word_in_the_settings_metrics_stay_on_their_node_for_two_days() -> None:
    spec = prometheus(run_of("dev"))
    assert spec["retention"] == "2d"
    assert "storageSpec" not in spec

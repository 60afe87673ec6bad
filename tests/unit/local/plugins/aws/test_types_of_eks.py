"""The types of EKS, ECR, launch templates, logs and budgets, on moto without an engine."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from slipway.local.plugins.aws import operations
from slipway.local.plugins.aws.backend import Aws, Backend
from slipway.local.plugins.aws.compare import differences
from slipway.local.plugins.aws.journal import entries
from slipway.local.plugins.aws.moto_server import moto
from slipway.local.plugins.protocol.errors import OperationError
from tests.support.made_in_aws import REGION, Made, unique


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """One account for all tests: to empty moto takes longer than most of them, so that names are unique instead."""
    with moto() as url:
        yield Backend(tmp_path_factory.mktemp("state"), url).aws(REGION, "urn")


def role(aws: Aws, name: str, service: str) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    made = aws.call("iam", "create_role", RoleName=unique(name), AssumeRolePolicyDocument=json.dumps(trust))
    return str(made["Role"]["Arn"])


def subnets(aws: Aws, *zones: str) -> list[str]:
    vpc = aws.call("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return [
        aws.call("ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.9.{index}.0/24", AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate(zones)
    ]


@pytest.fixture
def cluster(aws: Aws) -> Made:
    return Made(
        aws,
        "eks/cluster:Cluster",
        {
            "name": unique("slipway-test"),
            "roleArn": role(aws, "control-plane", "eks.amazonaws.com"),
            "version": "1.34",
            "enabledClusterLogTypes": ["api", "audit"],
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
            "upgradePolicy": {"supportType": "STANDARD"},
            "deletionProtection": False,
            "vpcConfig": {
                "subnetIds": subnets(aws, "eu-central-1a", "eu-central-1b"),
                "endpointPrivateAccess": True,
                "endpointPublicAccess": False,
            },
            "tags": {"team": "ml"},
        },
    )


def node_group(aws: Aws, cluster: Made, **changes: Any) -> Made:
    inputs = {
        "clusterName": cluster.id,
        "nodeGroupName": "cpu-12345678",
        "nodeRoleArn": role(aws, "nodes", "ec2.amazonaws.com"),
        "subnetIds": cluster.inputs["vpcConfig"]["subnetIds"],
        "scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0},
        "amiType": "AL2023_x86_64_STANDARD",
        "capacityType": "ON_DEMAND",
        "instanceTypes": ["m7i.xlarge"],
        "labels": {"slipway.dev/pool": "cpu"},
        "taints": [{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}],
        "updateConfig": {"maxUnavailable": 1},
        "version": "1.34",
        "releaseVersion": "1.34.1-20251112",
        "tags": {"team": "ml"},
    }
    return Made(aws, "eks/nodeGroup:NodeGroup", inputs | changes)


def without_drift(made: Made) -> None:
    """What is live is what was asked for."""
    live = made.live()
    assert live is not None
    assert not differences(made.kind, made.inputs, live[1]), live[1]


def test_a_cluster_keeps_what_moto_drops_and_shows_no_drift(aws: Aws, cluster: Made) -> None:
    without_drift(cluster)
    assert cluster.state["status"] == "ACTIVE"
    assert cluster.state["accessConfig"]["authenticationMode"] == "API"
    group = aws.call("ec2", "describe_security_groups", GroupIds=[cluster.state["vpcConfig"]["clusterSecurityGroupId"]])
    assert group["SecurityGroups"][0]["VpcId"] == cluster.state["vpcConfig"]["vpcId"]


def test_a_cluster_is_raised_by_one_minor_version_only(cluster: Made) -> None:
    assert cluster.change(version="1.35")["version"] == "1.35"
    without_drift(cluster)
    for wrong in ("1.37", "1.34"):
        with pytest.raises(OperationError, match=rf"update from 1.35 to {wrong}"):
            cluster.change(version=wrong)


def test_a_cluster_is_changed_in_place_but_for_its_name_and_role(cluster: Made) -> None:
    cluster.change(tags={"team": "ml", "more": "x"}, enabledClusterLogTypes=["api"], deletionProtection=True)
    without_drift(cluster)
    assert cluster.replaced_by(name="other") == ["name"]
    with pytest.raises(OperationError, match="Deletion protection is enabled"):
        cluster.delete()
    cluster.change(deletionProtection=False)
    cluster.delete()
    assert cluster.aws.kept.get("eks.cluster", cluster.id) is None


def test_a_cluster_is_refused_with_a_role_that_eks_may_not_assume(aws: Aws, cluster: Made) -> None:
    wrong = cluster.inputs | {"name": "other", "roleArn": role(aws, "wrong", "ec2.amazonaws.com")}
    with pytest.raises(OperationError, match="does not exist or does not trust eks"):
        Made(aws, "eks/cluster:Cluster", wrong)


def test_a_cluster_is_refused_in_one_zone(aws: Aws, cluster: Made) -> None:
    network = {"subnetIds": cluster.inputs["vpcConfig"]["subnetIds"][:1]}
    with pytest.raises(OperationError, match="at least two different AZs"):
        Made(aws, "eks/cluster:Cluster", cluster.inputs | {"name": "other", "vpcConfig": network})


def test_a_cluster_with_node_groups_is_not_deleted(aws: Aws, cluster: Made) -> None:
    group = node_group(aws, cluster)
    with pytest.raises(OperationError, match="nodegroups attached"):
        cluster.delete()
    group.delete()
    cluster.delete()


def test_a_node_group_is_resized_relabelled_and_raised_in_place(aws: Aws, cluster: Made) -> None:
    group = node_group(aws, cluster)
    without_drift(group)
    group.change(
        scalingConfig={"minSize": 1, "maxSize": 5, "desiredSize": 1},
        labels={"slipway.dev/pool": "cpu", "new": "yes"},
        taints=[{"key": "a", "value": "c", "effect": "NO_SCHEDULE"}],
        tags={"team": "other"},
        updateConfig={"maxUnavailable": 2},
    )
    without_drift(group)
    with pytest.raises(OperationError, match=r"above the cluster's 1\.34"):
        group.change(version="1.35", releaseVersion="1.35.1-1")
    cluster.change(version="1.35")
    group.change(version="1.35", releaseVersion="1.35.1-1")
    without_drift(group)
    assert group.replaced_by(instanceTypes=["m7i.2xlarge"], capacityType="SPOT") == ["capacityType", "instanceTypes[0]"]


def test_a_node_group_is_refused_with_an_image_of_another_architecture(aws: Aws, cluster: Made) -> None:
    with pytest.raises(OperationError, match="not a valid instance type for requested amiType"):
        node_group(aws, cluster, instanceTypes=["m7g.xlarge"])


def test_an_access_entry_takes_its_policies_along(aws: Aws, cluster: Made) -> None:
    who = {"clusterName": cluster.id, "principalArn": "arn:aws:iam::123456789012:role/platform"}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    scope = {"policyArn": policy, "accessScope": {"type": "cluster"}}
    with pytest.raises(OperationError, match="there is no access entry"):
        Made(aws, "eks/accessPolicyAssociation:AccessPolicyAssociation", who | scope)
    entry = Made(aws, "eks/accessEntry:AccessEntry", who | {"tags": {"a": "b"}})
    association = Made(aws, "eks/accessPolicyAssociation:AccessPolicyAssociation", who | scope)
    without_drift(entry)
    without_drift(association)
    with pytest.raises(OperationError, match="already in use"):
        Made(aws, "eks/accessEntry:AccessEntry", who)
    entry.delete()
    assert association.live() is None


def test_an_addon_is_updated_in_place_and_its_configuration_is_json(aws: Aws, cluster: Made) -> None:
    identity = [{"roleArn": role(aws, "cni", "pods.eks.amazonaws.com"), "serviceAccount": "aws-node"}]
    addon = Made(
        aws,
        "eks/addon:Addon",
        {
            "clusterName": cluster.id,
            "addonName": "vpc-cni",
            "addonVersion": "v1.20.4-eksbuild.2",
            "configurationValues": '{"enableNetworkPolicy": "true"}',
            "podIdentityAssociations": identity,
            "resolveConflictsOnCreate": "OVERWRITE",
            "resolveConflictsOnUpdate": "OVERWRITE",
            "tags": {"a": "b"},
        },
    )
    without_drift(addon)
    assert addon.change(addonVersion="v1.21.0-eksbuild.1")["addonVersion"] == "v1.21.0-eksbuild.1"
    with pytest.raises(OperationError, match="configurationValues is no JSON"):
        addon.change(configurationValues="{")
    addon.delete()


def test_a_pod_identity_is_one_per_service_account(aws: Aws, cluster: Made) -> None:
    inputs = {
        "clusterName": cluster.id,
        "namespace": "slipway",
        "serviceAccount": "digits",
        "roleArn": role(aws, "digits", "pods.eks.amazonaws.com"),
        "tags": {"a": "b"},
    }
    made = Made(aws, "eks/podIdentityAssociation:PodIdentityAssociation", inputs)
    without_drift(made)
    with pytest.raises(OperationError, match="Association already exists"):
        Made(aws, "eks/podIdentityAssociation:PodIdentityAssociation", inputs)
    other = role(aws, "other", "pods.eks.amazonaws.com")
    assert made.change(roleArn=other)["roleArn"] == other
    assert made.replaced_by(serviceAccount="x") == ["serviceAccount"]
    made.delete()


def test_a_parameter_that_amazon_does_not_have_is_refused_where_moto_would_not_look(aws: Aws, cluster: Made) -> None:
    who = {"clusterName": cluster.id, "principalArn": "arn:aws:iam::123456789012:role/platform"}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    Made(aws, "eks/accessEntry:AccessEntry", who)
    wrong = who | {"policyArn": policy, "accessScope": {"type": 7}}
    with pytest.raises(OperationError, match="Invalid type for parameter accessScope"):
        Made(aws, "eks/accessPolicyAssociation:AccessPolicyAssociation", wrong)


def test_a_repository_holds_its_images_unless_it_is_forced(aws: Aws) -> None:
    key = aws.call("kms", "create_key")["KeyMetadata"]["Arn"]
    repository = Made(
        aws,
        "ecr/repository:Repository",
        {
            "name": unique("slipway/digits"),
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": key}],
            "tags": {"a": "b"},
        },
    )
    without_drift(repository)
    rule = {"rulePriority": 1, "description": "keep 30", "action": {"type": "expire"}}
    rule["selection"] = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 30}
    policy = Made(
        aws,
        "ecr/lifecyclePolicy:LifecyclePolicy",
        {"repository": repository.id, "policy": json.dumps({"rules": [rule]})},
    )
    without_drift(policy)
    policy.delete()
    manifest = json.dumps({"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    aws.call("ecr", "put_image", repositoryName=repository.id, imageManifest=manifest, imageTag="1")
    with pytest.raises(OperationError, match="RepositoryNotEmpty"):
        repository.delete()
    repository.change(forceDelete=True, tags={"a": "c"}, imageScanningConfiguration={"scanOnPush": False})
    without_drift(repository)
    repository.delete()


def test_a_launch_template_gets_a_version_for_each_change(aws: Aws) -> None:
    ebs = {"volumeSize": 100, "volumeType": "gp3", "encrypted": "true", "deleteOnTermination": "true"}
    template = Made(
        aws,
        "ec2/launchTemplate:LaunchTemplate",
        {
            "name": unique("cpu-12345678"),
            "updateDefaultVersion": True,
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": ebs}],
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "monitoring": {"enabled": True},
            "tagSpecifications": [
                {"resourceType": "instance", "tags": {"a": "b", "Name": "x"}},
                {"resourceType": "volume", "tags": {"a": "b"}},
            ],
            "vpcSecurityGroupIds": ["sg-1"],
            "tags": {"a": "b"},
        },
    )
    without_drift(template)
    assert template.state["latestVersion"] == 1
    template.change(blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {**ebs, "volumeSize": 200}}])
    without_drift(template)
    assert (template.state["latestVersion"], template.state["defaultVersion"]) == (2, 2)
    template.change(tags={"a": "c"})
    assert template.state["latestVersion"] == 2
    template.delete()


def test_a_log_group_is_refused_with_a_key_that_logs_may_not_use(aws: Aws) -> None:
    allowed = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": f"logs.{REGION}.amazonaws.com"}, "Action": "kms:Encrypt*"}
        ],
    }
    for_logs = aws.call("kms", "create_key", Policy=json.dumps(allowed))["KeyMetadata"]["Arn"]
    for_others = aws.call("kms", "create_key")["KeyMetadata"]["Arn"]
    inputs = {"name": unique("/aws/eks/slipway/cluster"), "retentionInDays": 30, "tags": {"a": "b"}}
    with pytest.raises(OperationError, match="not allowed to be used with CloudWatch Logs"):
        Made(aws, "cloudwatch/logGroup:LogGroup", inputs | {"kmsKeyId": for_others})
    group = Made(aws, "cloudwatch/logGroup:LogGroup", inputs | {"kmsKeyId": for_logs})
    without_drift(group)
    group.change(retentionInDays=90, tags={"c": "d"})
    without_drift(group)
    group.delete()


@pytest.mark.parametrize("logging", [True, False])
def test_the_group_of_a_cluster_that_was_deleted_while_it_logged_is_made_again(
    aws: Aws, cluster: Made, *, logging: bool
) -> None:
    name = f"/aws/eks/{cluster.id}/cluster"
    group = Made(aws, "cloudwatch/logGroup:LogGroup", {"name": name, "retentionInDays": 90})
    if not logging:
        cluster.change(enabledClusterLogTypes=[])
    cluster.delete()
    operations.delete(group.kind, aws, group.id, group.state)
    listed = aws.call("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
    assert [found["logGroupName"] for found in listed] == ([name] if logging else [])
    if logging:
        assert "retentionInDays" not in listed[0]
        with pytest.raises(OperationError, match="ResourceAlreadyExistsException"):
            Made(aws, "cloudwatch/logGroup:LogGroup", {"name": name, "retentionInDays": 90})


def test_a_budget_and_its_alarms_are_changed_in_place(aws: Aws) -> None:
    alarm = {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": "ACTUAL",
        "threshold": 80,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": ["ml@example.com"],
    }
    budget = Made(
        aws,
        "budgets/budget:Budget",
        {
            "name": unique("slipway-test"),
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "500.0",
            "limitUnit": "USD",
            "costFilters": [{"name": "TagKeyValue", "values": ["user:slipway:environment$test"]}],
            "notifications": [alarm],
            "tags": {"a": "b"},
        },
    )
    without_drift(budget)
    budget.change(limitAmount="700.0", notifications=[alarm, {**alarm, "threshold": 100}], tags={"a": "c"})
    without_drift(budget)
    assert budget.state["limitAmount"] == "700.0"
    budget.delete()


def test_the_journal_tells_what_moto_did_from_what_was_kept(aws: Aws, cluster: Made) -> None:
    who = {"clusterName": cluster.id, "principalArn": "arn:aws:iam::123456789012:role/platform"}
    Made(aws, "eks/accessEntry:AccessEntry", who)
    by = {(entry.operation, entry.by) for entry in entries(aws.backend.state / "journal.jsonl")}
    assert {("CreateCluster", "moto"), ("CreateAccessEntry", "kept")} <= by


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"minSize": 3, "maxSize": 4, "desiredSize": 2}, "Minimum capacity 3 can't be greater than desired size 2"),
        ({"minSize": 0, "maxSize": 1, "desiredSize": 2}, "desired capacity 2 can't be greater than max size 1"),
    ],
)
def test_bounds_that_leave_the_nodes_outside_are_refused(
    aws: Aws, cluster: Made, sizes: dict[str, int], said: str
) -> None:
    """As EKS does; moto takes them."""
    made = node_group(aws, cluster)
    with pytest.raises(OperationError, match=said):
        made.change(scalingConfig=sizes)

"""The committed AWS environments on Pulumi's mocks: whose everything is, who gets at it, and how it is kept."""

import inspect
import json
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from slipway.components.aws.iam.policies import WILDCARDS, statement
from slipway.environments.planning.aws.charges import encrypted_data
from slipway.settings.aws_network import ApiAccess
from slipway.spec.capture import KEEPS
from slipway.values import names
from tests.support.aws_runs import (
    ENVIRONMENTS,
    GATEWAYS,
    KEY,
    each_environment,
    everything,
    program_of,
    run_of,
    run_of_model,
    settings_of,
    statements,
)
from tests.support.recorder import COMPUTED, Registered, Run, run_program
from tests.support.sdk import classes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_every_resource_that_can_have_tags_says_whose_it_is() -> None:
    for stack, resource in everything():
        if "tags" not in inspect.signature(classes()[resource.token]._internal_init).parameters:
            continue
        environment, _, model = stack.partition(".")
        wanted = names.aws_tags(environment, settings_of(environment).tags, model or None)
        assert wanted.items() <= resource.inputs["tags"].items(), resource.urn


def test_nodes_disks_and_network_interfaces_are_tagged_when_they_are_started() -> None:
    for environment in ENVIRONMENTS:
        for template in run_of(environment).of("aws:ec2/launchTemplate:LaunchTemplate"):
            given = {spec["resourceType"]: spec["tags"] for spec in template.inputs["tagSpecifications"]}
            assert set(given) == {"instance", "volume", "network-interface"}
            assert all(tags[names.ENVIRONMENT_TAG] == environment for tags in given.values())


@each_environment
def test_everything_that_is_kept_is_encrypted_with_keys_that_rotate(environment: str) -> None:
    run = run_of(environment)
    keys = run.of("aws:kms/key:Key")
    assert {key.name for key in keys} == {
        f"{environment}-{use}-key" for use in encrypted_data(settings_of(environment))
    }
    assert all(key.inputs["enableKeyRotation"] for key in keys)
    arn = {key.name.split("-")[-2]: f"arn:{key.name}" for key in keys}
    cluster = run.one("aws:eks/cluster:Cluster")
    assert cluster["encryptionConfig"] == {"provider": {"keyArn": arn["secrets"]}, "resources": ["secrets"]}
    logs = run.of("aws:cloudwatch/logGroup:LogGroup")
    assert {log.inputs["kmsKeyId"] for log in logs} == {arn["logs"]}
    for template in run.of("aws:ec2/launchTemplate:LaunchTemplate"):
        (disk,) = template.inputs["blockDeviceMappings"]
        assert (disk["ebs"]["encrypted"], disk["ebs"]["kmsKeyId"]) == ("true", arn["disks"])
    (rule,) = run.one("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")["rules"]
    assert rule == {
        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": arn["models"]},
        "bucketKeyEnabled": True,
    }
    for repository in run.of("aws:ecr/repository:Repository"):
        (encryption,) = repository.inputs["encryptionConfigurations"]
        assert encryption == {"encryptionType": "KMS", "kmsKey": arn["models"]}


def test_the_logs_key_is_for_the_log_groups_that_there_are_and_no_other() -> None:
    for environment in ENVIRONMENTS:
        run = run_of(environment)
        key = next(key for key in run.of("aws:kms/key:Key") if key.name.endswith("-logs-key"))
        use = next(s for s in json.loads(key.inputs["policy"])["Statement"] if s["Sid"] == "LogsUseKey")
        admitted = use["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
        groups = {group.inputs["name"] for group in run.of("aws:cloudwatch/logGroup:LogGroup")}
        assert {arn.partition(":log-group:")[2] for arn in admitted} == groups


def stars(said: dict[str, Any]) -> Iterator[str]:
    principal = said.get("Principal", {})
    for values in (said["Action"], said.get("Resource", []), list(principal.values())):
        for value in [values] if isinstance(values, str) else values:
            if "*" in value:
                yield value


def test_every_wildcard_in_a_policy_has_a_reason_and_every_reason_a_wildcard() -> None:
    found = set()
    for place, said in statements():
        if list(stars(said)):
            assert said["Sid"] in WILDCARDS, f"{place}: {said}"
            found.add(said["Sid"])
    assert found == set(WILDCARDS)


def test_a_statement_with_a_wildcard_and_no_reason_is_refused() -> None:
    assert statement("Read", ["s3:GetObject"], "arn:aws:s3:::bucket/model")["Resource"] == "arn:aws:s3:::bucket/model"
    for actions, resources in ((["s3:*"], "arn:aws:s3:::bucket"), (["s3:GetObject"], ["arn:aws:s3:::bucket/*"])):
        with pytest.raises(ValueError, match="WILDCARDS no reason"):
            statement("Read", actions, resources)


def test_a_star_alone_as_action_is_never_granted_and_nobody_but_the_account_gets_all_of_a_service() -> None:
    for place, said in statements():
        whole = [action for action in said["Action"] if action.endswith("*")]
        if whole and said["Effect"] == "Allow":
            if said["Sid"] == "ReachAccountsBuckets":  # of an endpoint, which grants nothing that no other policy does
                assert said["Condition"]["StringEquals"]["aws:ResourceAccount"] == "123456789012", place
                continue
            assert said["Sid"] == "AccountManagesKey", place
            assert said["Principal"]["AWS"].endswith(":root")


def test_everybody_as_principal_is_refused_something_or_held_to_this_account() -> None:
    seen = 0
    for place, said in statements():
        if "*" in said.get("Principal", {}).values():
            seen += 1
            if said["Sid"] == "PullLayers":  # addresses that a registry signed, or what is public
                assert said["Action"] == ["s3:GetObject"], place
                continue
            held = said["Condition"].get("StringEquals", {})
            account = held.get("kms:CallerAccount", held.get("aws:PrincipalAccount"))
            assert said["Effect"] == "Deny" or account == "123456789012", place
    assert seen == 8 * len(ENVIRONMENTS)


def test_no_security_group_lets_anybody_in_who_is_not_in_the_network() -> None:
    rules = 0
    for stack, resource in everything():
        if resource.token == "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
            assert (resource.inputs["ingress"], resource.inputs["egress"]) == ([], [])
        if resource.token == "aws:ec2/securityGroup:SecurityGroup":
            assert not {"ingress", "egress"} & resource.inputs.keys()
        if resource.token == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
            rules += 1
            if "referencedSecurityGroupId" in resource.inputs:
                continue  # who has that group, whatever its address
            inside = ip_network(settings_of(stack).cidr)
            assert ip_network(resource.inputs["cidrIpv4"]).subnet_of(inside)  # type: ignore[arg-type]
    # Of the endpoints, of the API server, of production's bastion to it, and of each gateway's database.
    assert rules == 2 * len(ENVIRONMENTS) + 1 + len(GATEWAYS)


@each_environment
def test_the_api_server_is_reached_from_the_network_and_from_the_ranges_of_the_settings_only(environment: str) -> None:
    access = run_of(environment).one("aws:eks/cluster:Cluster")["vpcConfig"]
    wanted = settings_of(environment).api.public_cidrs
    assert access["endpointPrivateAccess"] is True
    assert access["endpointPublicAccess"] is bool(wanted)
    assert access.get("publicAccessCidrs", []) == list(wanted)
    assert "0.0.0.0/0" not in wanted


def reaching_the_api(run: Run) -> dict[str, Registered]:
    """The rules of the group that EKS gives a cluster, by whom they let in to the port of its API server.

    EKS's own rule is among none of them: it lets in the group itself, which nodes and control plane have.
    """
    group = COMPUTED["aws:eks/cluster:Cluster"]["vpcConfig"]["clusterSecurityGroupId"]
    rules = [
        rule
        for rule in run.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if rule.inputs["securityGroupId"] == group
        and (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("tcp", 443, 443)
    ]
    return {rule.inputs.get("cidrIpv4") or rule.inputs["referencedSecurityGroupId"]: rule for rule in rules}


@each_environment
def test_the_private_api_server_is_reached_from_the_network_before_anything_asks_it(environment: str) -> None:
    run = run_of(environment)
    doors = reaching_the_api(run)
    bastion = {f"{environment}-bastion-group-id"} if settings_of(environment).api.bastion else set()
    assert set(doors) == {settings_of(environment).cidr} | bastion
    (provider,) = run.of("pulumi:providers:kubernetes")
    assert {door.urn for door in doors.values()} <= run.before(provider)


def test_the_private_api_server_is_reached_from_the_ranges_and_groups_that_the_settings_name_instead() -> None:
    named: dict[str, Any] = {
        "private_cidrs": ("10.99.0.0/24", "100.64.0.0/16"),
        "security_groups": ("sg-0123456789abcdef1",),
    }
    settings = settings_of("prod")
    given = settings.model_copy(update={"api": ApiAccess(**named)})
    run = run_program(program_of("prod", given), "prod")
    assert set(reaching_the_api(run)) == {*named["private_cidrs"], *named["security_groups"]}
    nobody = settings.model_copy(update={"api": ApiAccess(private_cidrs=())})
    assert reaching_the_api(run_program(program_of("prod", nobody), "prod")) == {}


def test_nobody_connects_to_the_bastion_and_it_may_do_nothing_but_take_sessions() -> None:
    run = run_of("prod")
    (instance,) = run.of("aws:ec2/instance:Instance")
    (template,) = [one for one in run.of("aws:ec2/launchTemplate:LaunchTemplate") if "bastion" in one.name]
    (role,) = [one for one in run.of("aws:iam/role:Role") if "bastion" in one.name]
    attached = [
        one.inputs["policyArn"]
        for one in run.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if one.inputs["role"] == role.inputs["name"]
    ]
    assert attached == ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]
    assert not [one for one in run.of("aws:iam/rolePolicy:RolePolicy") if one.inputs["role"] == role.inputs["name"]]
    assert not {"keyName", "networkInterfaces"} & template.inputs.keys()
    assert not {"associatePublicIpAddress", "keyName"} & instance.inputs.keys()
    (disk,) = template.inputs["blockDeviceMappings"]
    assert (disk["ebs"]["encrypted"], bool(disk["ebs"]["kmsKeyId"])) == ("true", True)
    group = template.inputs["vpcSecurityGroupIds"]
    rules = [one for one in run.resources if one.token.startswith("aws:vpc/securityGroup")]
    own = [one for one in rules if one.inputs["securityGroupId"] in group]
    assert [one.token.partition(":")[2].partition("/")[2].partition(":")[0] for one in own] == [
        "securityGroupEgressRule"
    ]
    # Its agent reaches Session Manager as soon as it starts.
    assert {route.urn for route in run.of("aws:ec2/route:Route")} <= run.before(instance)


def test_an_environment_that_asks_for_no_bastion_has_none() -> None:
    for environment in ("dev", "staging"):
        assert not [one for one in run_of(environment).resources if "bastion" in one.name]


def test_production_has_no_public_api_server() -> None:
    access = run_of("prod").one("aws:eks/cluster:Cluster")["vpcConfig"]
    assert access["endpointPublicAccess"] is False


@each_environment
def test_access_is_what_the_settings_say_and_nothing_comes_by_creating_the_cluster(environment: str) -> None:
    run = run_of(environment)
    config = run.one("aws:eks/cluster:Cluster")["accessConfig"]
    assert config == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    for token in ("aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"):
        assert {r.inputs["principalArn"] for r in run.of(token)} == set(settings_of(environment).administrators)


@each_environment
def test_every_call_is_held_to_the_account_and_region_of_the_settings(environment: str) -> None:
    for run in (run_of(environment), run_of_model(environment)):
        (provider,) = run.of("pulumi:providers:aws")
        settings = settings_of(environment)
        assert json.loads(provider.inputs["allowedAccountIds"]) == [settings.account]
        assert provider.inputs["region"] == settings.region
        assert all(resource.provider.startswith(provider.urn) for resource in run.aws())


@each_environment
def test_the_bucket_is_private_versioned_and_stays_when_the_rest_goes(environment: str) -> None:
    run = run_of(environment)
    assert run.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").items() >= {
        ("blockPublicAcls", True),
        ("blockPublicPolicy", True),
        ("ignorePublicAcls", True),
        ("restrictPublicBuckets", True),
    }
    assert run.one("aws:s3/bucketVersioning:BucketVersioning")["versioningConfiguration"] == {"status": "Enabled"}
    owner = run.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls")["rule"]
    assert owner == {"objectOwnership": "BucketOwnerEnforced"}
    (deny,) = json.loads(run.one("aws:s3/bucketPolicy:BucketPolicy")["policy"])["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert run.one("aws:s3/bucket:Bucket")["forceDestroy"] is False
    protected = {resource.token for resource in run.aws() if resource.protected}
    assert protected == {r.token for r in run.aws() if r.token.startswith("aws:s3/")} | {
        "aws:kms/key:Key",
        "aws:kms/alias:Alias",
    }
    outliving = ("models", "ledger") if settings_of(environment).gateway else ("models",)
    wanted = {f"{environment}-{use}-key" for use in outliving}
    assert {key.name for key in run.of("aws:kms/key:Key") if key.protected} == wanted


@each_environment
def test_pods_do_not_get_at_the_credentials_of_their_node(environment: str) -> None:
    for template in run_of(environment).of("aws:ec2/launchTemplate:LaunchTemplate"):
        assert template.inputs["metadataOptions"] == {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        }


@each_environment
def test_images_never_change_under_their_tag_and_the_registry_deletes_none_that_run(environment: str) -> None:
    expire = set()
    for run in (run_of(environment), run_of_model(environment)):
        for repository in run.of("aws:ecr/repository:Repository"):
            assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
            assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        for policy in run.of("aws:ecr/lifecyclePolicy:LifecyclePolicy"):
            (rule,) = json.loads(policy.inputs["policy"])["rules"]
            assert rule["selection"]["countNumber"] == settings_of(environment).images.keep
            expire.add(policy.name.removeprefix(f"{environment}-").removesuffix("-lifecycle"))
    assert expire
    assert {name for name in expire if not name.startswith("runtime-")} == set()


@each_environment
def test_a_model_reads_what_is_below_its_own_prefix_and_nothing_else(environment: str) -> None:
    run = run_of_model(environment)
    (policy,) = run.of("aws:iam/rolePolicy:RolePolicy")
    given = {s["Sid"]: s for s in json.loads(policy.inputs["policy"])["Statement"]}
    bucket = f"arn:aws:s3:::slipway-{environment}-123456789012-eu-central-1"
    assert given["ReadOwnWeights"]["Resource"] == f"{bucket}/digits/*"
    assert given["ReadOwnWeights"]["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert given["ListOwnWeights"]["Condition"] == {"StringLike": {"s3:prefix": "digits/*"}}
    assert given["DecryptWeights"]["Resource"] == KEY
    assert len(given) == 3


@each_environment
def test_a_model_that_keeps_samples_puts_them_below_its_own_prefixes_and_reads_none(environment: str) -> None:
    (policy,) = run_of_model(environment, fetches=False, captures=True).of("aws:iam/rolePolicy:RolePolicy")
    given = {s["Sid"]: s for s in json.loads(policy.inputs["policy"])["Statement"]}
    bucket = f"arn:aws:s3:::slipway-{environment}-123456789012-eu-central-1"
    places = [f"{bucket}/_capture/{keep}/digits/*" for keep in ("1d", "7d", "30d", "90d")]
    assert (given["WriteOwnSamples"]["Action"], given["WriteOwnSamples"]["Resource"]) == (["s3:PutObject"], places)
    assert given["EncryptSamples"]["Action"] == ["kms:GenerateDataKey"]
    assert given["EncryptSamples"]["Condition"]["StringEquals"]["kms:EncryptionContext:aws:s3:arn"] == bucket
    assert len(given) == 2


@each_environment
def test_samples_expire_by_what_their_keys_begin_with(environment: str) -> None:
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    rules = {rule["id"]: rule for rule in run_of(environment).one(token)["rules"]}
    for keep, days in KEEPS.items():
        rule = rules[f"samples-{keep}"]
        assert (rule["filter"], rule["expiration"]) == ({"prefix": f"_capture/{keep}/"}, {"days": days})
        assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 1}


@each_environment
def test_a_model_whose_weights_are_in_its_image_has_no_role(environment: str) -> None:
    assert {one.token for one in run_of_model(environment, fetches=False).aws()} == {"aws:ecr/repository:Repository"}


@each_environment
def test_pods_that_fetch_reach_the_addresses_of_s3_and_no_others(environment: str) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in run_of(environment).manifests("NetworkPolicy")}
    policy = policies["slipway-model-store"]
    assert policy["podSelector"] == {"matchLabels": {"slipway.dev/fetches-from": "slipway-model-store"}}
    assert policy["policyTypes"] == ["Egress"]
    (rule,) = policy["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "3.5.134.0/23"}}, {"ipBlock": {"cidr": "52.219.170.0/23"}}]
    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}]


@each_environment
def test_the_way_to_s3_leads_to_named_buckets_and_the_accounts_own(environment: str) -> None:
    (endpoint,) = (one for one in run_of(environment).of("aws:ec2/vpcEndpoint:VpcEndpoint") if "policy" in one.inputs)
    assert endpoint.inputs["serviceName"] == "com.amazonaws.eu-central-1.s3"
    given = {one["Sid"]: one for one in json.loads(endpoint.inputs["policy"])["Statement"]}
    assert given.keys() == {"ReachModelStore", "StoreSamples", "ReachAccountsBuckets", "PullLayers"}
    bucket = f"arn:aws:s3:::slipway-{environment}-123456789012-eu-central-1"
    assert given["ReachModelStore"]["Resource"] == [bucket, f"{bucket}/*"]
    assert given["StoreSamples"]["Resource"] == f"{bucket}/_capture/*"
    assert given["StoreSamples"]["Action"] == ["s3:PutObject"]
    assert given["ReachModelStore"]["Action"] == ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    assert given["ReachAccountsBuckets"]["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": "123456789012", "aws:PrincipalAccount": "123456789012"},
        "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::123456789012:role/slipway-{environment}-*"},
    }
    assert given["PullLayers"]["Action"] == ["s3:GetObject"]
    assert given["PullLayers"]["Resource"] == [
        "arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*",
        "arn:aws:s3:::prod-registry-k8s-io-eu-central-1/*",
    ]


@each_environment
def test_only_a_models_own_pods_take_on_its_role_and_they_start_after_it_is_theirs(environment: str) -> None:
    run = run_of_model(environment)
    (role,) = run.of("aws:iam/role:Role")
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "123456789012",
        "aws:RequestTag/eks-cluster-name": f"slipway-{environment}",
        "aws:RequestTag/kubernetes-namespace": "slipway",
        "aws:RequestTag/kubernetes-service-account": "digits",
    }
    (association,) = run.of("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    (deployment,) = run.of("kubernetes:apps/v1:Deployment")
    assert association.urn in run.before(deployment)
    assert association.inputs["serviceAccount"] == "digits"


@each_environment
def test_the_kubeconfig_of_the_connection_has_no_credential_in_it(environment: str) -> None:
    connection = run_of(environment).outputs["connection"]
    assert connection["context"] == f"slipway-{environment}"
    config = json.loads(connection["kubeconfig"])
    (user,) = config["users"]
    assert user["user"].keys() == {"exec"}
    assert user["user"]["exec"]["args"][-4:] == ["--cluster-name", f"slipway-{environment}", "--output", "json"]
    assert config["current-context"] == connection["context"]

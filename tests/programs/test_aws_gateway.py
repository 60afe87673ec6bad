"""The gateway of a committed AWS environment on Pulumi's mocks: what it has in the account, and what waits for what."""

import json
from typing import Any

import pytest

from slipway.components.aws.platform.policies import Place, load_balancers
from slipway.environments.planning.aws.gateway import balancer_annotations
from slipway.environments.planning.gateway import Gateway
from slipway.environments.planning.kinds import planning
from slipway.settings.aws import AwsSettings
from tests.support.aws_runs import (
    ENVIRONMENTS,
    GATEWAYS,
    KEYS_DIGEST,
    each_environment,
    program_of,
    run_of,
    settings_of,
)
from tests.support.recorder import Registered, Run, run_program

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CHARTS = {"envoy-gateway", "aws-load-balancer-controller", "external-dns"}
RELEASE = "kubernetes:helm.sh/v3:Release"


def run() -> Run:
    return run_of("staging")


def release(name: str) -> Registered:
    (found,) = [one for one in run().of(RELEASE) if one.name == name]
    return found


def of_role(user: str) -> list[dict[str, Any]]:
    """The statements of a role's policy."""
    (policy,) = [one for one in run().of("aws:iam/rolePolicy:RolePolicy") if one.inputs["name"] == user]
    statements: list[dict[str, Any]] = json.loads(policy.inputs["policy"])["Statement"]
    return statements


@each_environment
def test_nothing_of_a_gateway_is_made_where_none_is_asked_for(environment: str) -> None:
    made = run_of(environment)
    charts = {one.name for one in made.of(RELEASE)} & CHARTS
    databases = made.of("aws:rds/instance:Instance")
    assert (charts, len(databases)) == ((CHARTS, 1) if environment in GATEWAYS else (set(), 0))


def test_the_database_is_reached_by_nodes_only_and_nobody_is_told_its_password() -> None:
    database = run().one("aws:rds/instance:Instance")
    assert (database["publiclyAccessible"], database["storageEncrypted"]) == (False, True)
    assert database["kmsKeyId"] == database["masterUserSecretKmsKeyId"] == "arn:staging-ledger-key"
    assert database["manageMasterUserPassword"] is True
    assert "password" not in database
    (rule,) = [
        one.inputs
        for one in run().of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if one.name == "staging-ledger-from-nodes"
    ]
    assert rule["referencedSecurityGroupId"] == "sg-0123456789abcdef0"
    assert (rule["fromPort"], rule["toPort"]) == (5432, 5432)
    private = {one.urn for one in run().of("aws:ec2/subnet:Subnet") if "-private-" in one.name}
    (subnets,) = run().of("aws:rds/subnetGroup:SubnetGroup")
    assert private <= run().before(subnets)
    assert len(subnets.inputs["subnetIds"]) == len(private) == 3


def test_the_ledger_is_not_deleted_by_mistake_and_leaves_a_snapshot_of_its_own_name_each_time() -> None:
    database = run().one("aws:rds/instance:Instance")
    assert database["deletionProtection"] is True
    assert database["skipFinalSnapshot"] is False
    assert database["copyTagsToSnapshot"] is True
    assert database["backupRetentionPeriod"] == 7
    # The network's id is another one in each life of an environment; RDS refuses a name that is taken.
    assert database["finalSnapshotIdentifier"] == "slipway-staging-keys-staging-vpc-id"


def test_the_settings_choose_class_disk_standby_and_backups() -> None:
    settings = settings_of("staging").model_dump(by_alias=True, mode="json")
    settings["gateway"]["database"] = {
        "instance_class": "db.t4g.micro",
        "storage": "50Gi",
        "multi_az": True,
        "keep_days": 35,
    }
    changed = AwsSettings.model_validate(settings)
    database = run_program(program_of("staging", changed), "staging").one("aws:rds/instance:Instance")
    assert database["instanceClass"] == "db.t4g.micro"
    assert (database["allocatedStorage"], database["multiAz"], database["backupRetentionPeriod"]) == (50, True, 35)
    assert "snapshotIdentifier" not in database


def test_the_database_begins_with_a_snapshot_where_the_settings_name_one() -> None:
    settings = settings_of("staging").model_dump(by_alias=True, mode="json")
    settings["gateway"]["database"] = {"snapshot": "slipway-staging-keys-0a1b2c3d"}
    changed = AwsSettings.model_validate(settings)
    database = run_program(program_of("staging", changed), "staging").one("aws:rds/instance:Instance")
    assert database["snapshotIdentifier"] == "slipway-staging-keys-0a1b2c3d"


def test_the_keys_service_reads_the_one_secret_and_decrypts_nothing_else() -> None:
    secret = run().one("aws:rds/instance:Instance")
    assert secret["identifier"] == "slipway-staging-keys"
    read, decrypt = of_role("keys")
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1-abcdef"
    assert (read["Action"], read["Resource"]) == (["secretsmanager:GetSecretValue"], arn)
    assert (decrypt["Action"], decrypt["Resource"]) == (["kms:Decrypt"], "arn:staging-ledger-key")
    assert decrypt["Condition"]["StringEquals"]["kms:EncryptionContext:SecretARN"] == arn
    (association,) = [
        one
        for one in run().of("aws:eks/podIdentityAssociation:PodIdentityAssociation")
        if one.inputs["serviceAccount"] == "keys"
    ]
    assert association.inputs["namespace"] == "slipway"
    # A pod that starts within seconds of its association never gets credentials: the chart takes a minute.
    assert association.urn in run().before(release("envoy-gateway"))


def test_the_password_is_read_without_leaving_the_network() -> None:
    endpoints = {one.inputs["serviceName"] for one in run().of("aws:ec2/vpcEndpoint:VpcEndpoint")}
    assert "com.amazonaws.eu-central-1.secretsmanager" in endpoints
    without = {one.inputs["serviceName"] for one in run_of("prod").of("aws:ec2/vpcEndpoint:VpcEndpoint")}
    assert "com.amazonaws.eu-central-1.secretsmanager" not in without


def test_envoy_gateway_goes_before_what_takes_its_load_balancer_back() -> None:
    envoy = release("envoy-gateway")
    assert release("aws-load-balancer-controller").urn in run().before(envoy)
    assert envoy.urn in run().before(release("external-dns"))


def test_pods_of_envoy_are_ready_when_their_load_balancer_says_so() -> None:
    (space,) = [one for one in run().manifests("Namespace") if one["metadata"]["name"] == "envoy-gateway-system"]
    labels = space["metadata"]["labels"]
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_names_are_kept_in_one_zone_and_below_the_domain_only() -> None:
    values = release("external-dns").inputs["values"]
    assert values["domainFilters"] == ["staging.models.example.com"]
    assert values["extraArgs"] == ["--zone-id-filter=Z0123456789ABCDEFGHIJ"]
    assert values["sources"] == ["gateway-httproute", "gateway-grpcroute"]
    assert values["txtOwnerId"] == "slipway-staging"
    change = next(one for one in of_role("external-dns") if one["Sid"] == "KeepNames")
    assert change["Resource"] == "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"
    names = change["Condition"]["ForAllValues:StringLike"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"]
    assert names == ["staging.models.example.com", "*.staging.models.example.com"]
    # The records that say whose a name is are below the domain too, or the role could not write them.
    assert values["txtPrefix"].endswith(".")


def test_a_gateway_without_a_zone_keeps_no_names() -> None:
    settings = settings_of("staging").model_dump(by_alias=True, mode="json")
    del settings["gateway"]["zone"]
    made = run_program(program_of("staging", AwsSettings.model_validate(settings)), "staging")
    assert {one.name for one in made.of(RELEASE)} & CHARTS == CHARTS - {"external-dns"}


def test_a_security_group_is_asked_for_in_two_statements_since_the_network_gets_no_tag() -> None:
    statements = {one["Sid"]: one for one in load_balancers(Place("123456789012", "eu-central-1", "staging"))}
    group, network = statements["MakeSecurityGroups"], statements["MakeSecurityGroupsInNetwork"]
    assert group["Action"] == network["Action"] == ["ec2:CreateSecurityGroup"]
    assert group["Resource"].endswith(":security-group/*")
    assert group["Condition"] == {"StringEquals": {"aws:RequestTag/elbv2.k8s.aws/cluster": "slipway-staging"}}
    assert network["Resource"].endswith(":vpc/*")
    assert network["Condition"] == {"StringEquals": {"aws:ResourceTag/slipway:environment": "staging"}}


def test_two_of_the_committed_environments_have_a_gateway() -> None:
    assert tuple(name for name in ENVIRONMENTS if settings_of(name).gateway) == GATEWAYS


def deployment() -> Registered:
    (found,) = [one for one in run().of("kubernetes:apps/v1:Deployment") if one.name == "keys"]
    return found


def test_the_keys_service_is_told_where_its_database_is_and_never_the_password() -> None:
    (container,) = deployment().inputs["spec"]["template"]["spec"]["containers"]
    said = {one["name"]: one["value"] for one in container["env"]}
    host = "slipway-staging-keys.example.eu-central-1.rds.amazonaws.com"
    assert said["SLIPWAY_KEYS_DATABASE_URL"] == f"postgresql://slipway@{host}:5432/keys?sslmode=require"
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1-abcdef"
    assert said["SLIPWAY_KEYS_DATABASE_SECRET"] == arn
    assert container["image"] == f"{settings_of('staging').registry}/slipway/staging/keys@{KEYS_DIGEST}"


def test_pods_of_the_gateway_run_on_the_nodes_of_the_platform() -> None:
    (envoy,) = run().manifests("EnvoyProxy")
    for pod in (
        deployment().inputs["spec"]["template"]["spec"],
        envoy["spec"]["provider"]["kubernetes"]["envoyDeployment"]["pod"],
    ):
        assert pod["nodeSelector"] == {"slipway.dev/pool": "system"}
        assert pod["tolerations"] == [{"key": "CriticalAddonsOnly", "operator": "Exists"}]


def test_objects_of_the_gateway_wait_for_what_defines_them_and_the_keys_service_for_its_role() -> None:
    gateway = next(one for one in run().resources if one.token.endswith(":Gateway"))
    gateway_class = next(one for one in run().resources if one.token.endswith(":GatewayClass"))
    assert gateway_class.inputs["spec"]["controllerName"] == "gateway.envoyproxy.io/gatewayclass-controller"
    before = run().before(gateway)
    assert {release(name).urn for name in CHARTS} <= before
    assert gateway_class.urn in before
    assert release("envoy-gateway").urn in run().before(deployment())


def test_a_load_balancer_waits_as_long_as_an_envoy_takes_to_go_away() -> None:
    (envoy,) = run().manifests("EnvoyProxy")
    (clients,) = run().manifests("ClientTrafficPolicy")
    service = envoy["spec"]["provider"]["kubernetes"]["envoyService"]
    prefix = "service.beta.kubernetes.io/aws-load-balancer-"
    group = dict(one.split("=") for one in service["annotations"][f"{prefix}target-group-attributes"].split(","))
    drain_s = planned_gateway().drain_s
    assert envoy["spec"]["shutdown"] == {"minDrainDuration": f"{drain_s}s", "drainTimeout": "240s"}
    assert group["deregistration_delay.timeout_seconds"] == "240"
    idle = clients["spec"]["timeout"]["http"]["idleTimeout"]
    # A network load balancer forgets an idle connection after 350 s without a word: Envoy has to close it before, but
    # after clients have, whose pools keep one for 90 s or less.
    assert 90 < int(idle.removesuffix("s")) < 350


def test_one_network_load_balancer_is_asked_for_with_the_certificate_and_true_addresses_of_clients() -> None:
    (envoy,) = run().manifests("EnvoyProxy")
    (clients,) = run().manifests("ClientTrafficPolicy")
    service = envoy["spec"]["provider"]["kubernetes"]["envoyService"]
    assert (service["type"], service["loadBalancerClass"]) == ("LoadBalancer", "service.k8s.aws/nlb")
    said = {key.rpartition("aws-load-balancer-")[2]: value for key, value in service["annotations"].items()}
    assert (said["scheme"], said["nlb-target-type"]) == ("internet-facing", "ip")
    assert said["ssl-cert"] == settings_of("staging").gateway.certificate.acm  # type: ignore[union-attr]
    assert (said["ssl-ports"], said["backend-protocol"], said["alpn-policy"]) == ("443", "ssl", "HTTP2Preferred")
    assert "proxy_protocol_v2.enabled=true" in said["target-group-attributes"]
    assert clients["spec"]["proxyProtocol"] == {"optional": False}
    # Health checks come with the protocol's header too: only one that opens a connection passes.
    assert (said["healthcheck-protocol"], said["healthcheck-port"]) == ("tcp", "traffic-port")
    (listener,) = run().manifests("Gateway")[0]["spec"]["listeners"]
    # The load balancer names no host when it opens TLS to Envoy.
    assert "hostname" not in listener


def test_an_internal_gateway_with_an_issuer_passes_tls_on_and_is_in_private_subnets() -> None:
    settings = settings_of("staging").model_dump(by_alias=True, mode="json")
    settings["gateway"] |= {"internal": True, "certificate": {"issuer": "letsencrypt"}}
    said = balancer_annotations(AwsSettings.model_validate(settings).gateway, None)  # type: ignore[arg-type]
    short = {key.rpartition("aws-load-balancer-")[2]: value for key, value in said.items()}
    assert short["scheme"] == "internal"
    assert not short.keys() & {"ssl-cert", "ssl-ports", "backend-protocol", "alpn-policy"}


def planned_gateway() -> Gateway:
    found = planning(settings_of("staging")).gateway
    assert found is not None
    return found


def test_the_keys_service_connects_to_its_database_and_the_agent_of_its_role() -> None:
    (policy,) = [one for one in run().manifests("NetworkPolicy") if one["metadata"]["name"] == "keys"]
    allowed = [
        (peer["ipBlock"]["cidr"], port["port"])
        for rule in policy["spec"]["egress"]
        for peer in rule.get("to", [])
        for port in rule["ports"]
        if "ipBlock" in peer
    ]
    assert allowed == [(settings_of("staging").cidr, 5432), ("169.254.170.23/32", 80)]

"""The rules: each lets what is right pass and stops what is wrong, wherever the engine or a manifest shows it."""

import copy
import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.policy import aws
from slipway.policy.iam import NOT_BY_RESOURCE
from slipway.policy.kubernetes import is_latest
from slipway.policy.resource import UNKNOWN, Resource, of_manifests, read
from slipway.policy.resources import OF_ALL, OF_ONE, excepted, violations
from slipway.policy.rules import BY_ID, EXCEPTABLE, RULES
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.values.names import ENVIRONMENT_TAG, EXCEPTIONS_ANNOTATION, MANAGED_BY_TAG
from tests.support.needs_aws import needs_aws
from tests.support.planned import fixture_plan

TAGS = {ENVIRONMENT_TAG: "dev", MANAGED_BY_TAG: "slipway"}
KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/1"
TLS_ONLY = {
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::store", "arn:aws:s3:::store/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
}
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


def manifests() -> list[dict[str, Any]]:
    """The objects of an environment and of a model in it, as they are applied."""
    plan = fixture_plan("local")
    return copy.deepcopy([*render_environment(plan), *render_model(plan.models[0], placeholder_image(plan.models[0]))])


def right() -> list[Resource]:
    """A stack with every type that a rule is about, in which nothing is wrong."""
    disk = {"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "kmsKeyId": KEY_ARN}}
    specifications = [{"resourceType": kind, "tags": TAGS} for kind in ("instance", "volume")]
    blocked = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
    kms = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY_ARN}}
    read_own = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::store/digits/*"}
    look = {"Effect": "Allow", "Action": sorted(NOT_BY_RESOURCE), "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    api = {"endpointPrivateAccess": True, "endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}
    secrets = {"provider": {"keyArn": KEY_ARN}, "resources": ["secrets"]}
    registry = [{"encryptionType": "KMS", "kmsKey": KEY_ARN}]
    return [
        *of_manifests(manifests()),
        Resource(aws.BUCKET, "store", {"bucket": "store", "tags": TAGS}),
        Resource(aws.PUBLIC_ACCESS_BLOCK, "store-private", {"bucket": "store", **blocked}),
        Resource(aws.ENCRYPTED_BUCKET, "store-encrypted", {"bucket": "store", "rules": [kms]}),
        Resource(aws.BUCKET_POLICY, "store-tls", {"bucket": "store", "policy": json.dumps(TLS_ONLY)}),
        Resource(aws.KEY, "key", {"enableKeyRotation": True, "tags": TAGS}),
        Resource(
            aws.LAUNCH_TEMPLATE,
            "nodes",
            {
                "blockDeviceMappings": [disk],
                "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
                "tags": TAGS,
                "tagSpecifications": specifications,
            },
        ),
        Resource(aws.NODE_GROUP, "cpu", {"launchTemplate": {"version": "1"}, "tags": TAGS}),
        Resource(aws.CLUSTER, "cluster", {"vpcConfig": api, "encryptionConfig": secrets, "tags": TAGS}),
        Resource(aws.REPOSITORY, "digits", {"encryptionConfigurations": registry, "tags": TAGS}),
        Resource(aws.LOG_GROUP, "logs", {"kmsKeyId": KEY_ARN, "tags": TAGS}),
        Resource(
            aws.DATABASE,
            "ledger",
            {
                "storageEncrypted": True,
                "kmsKeyId": KEY_ARN,
                "publiclyAccessible": False,
                "manageMasterUserPassword": True,
                "deletionProtection": True,
                "backupRetentionPeriod": 7,
                "skipFinalSnapshot": False,
                "tags": TAGS,
            },
        ),
        Resource("aws:iam/role:Role", "digits", {"assumeRolePolicy": json.dumps({"Statement": trust}), "tags": TAGS}),
        Resource(ROLE_POLICY, "digits", {"policy": json.dumps({"Statement": [read_own, look]})}),
        Resource(INGRESS, "in", {"cidrIpv4": "10.0.0.0/8", "tags": TAGS}),
        Resource("aws:ec2/vpc:Vpc", "network", {"tags": TAGS}),
    ]


def changed(type_: str, path: str, value: Any) -> list[Resource]:
    """`right` with one value changed, in the first resource of a type, or first object of a kind."""
    resources = right()
    at = next(i for i, one in enumerate(resources) if type_ in (one.type, one.kind))
    properties = copy.deepcopy(dict(resources[at].properties))
    *above, last = path.split(".")
    holder = read(properties, ".".join(above)) if above else properties
    assert holder is not None, path
    key: Any = int(last) if isinstance(holder, list) else last
    if value is ...:
        del holder[key]
    else:
        holder[key] = value
    resources[at] = Resource(resources[at].type, resources[at].name, properties)
    return resources


def without(type_: str) -> list[Resource]:
    return [resource for resource in right() if resource.type != type_]


def manifest(api_version: str, kind: str, spec: dict[str, Any], **annotations: str) -> list[Resource]:
    """An object that is deployed beside what is right."""
    metadata = {"name": "more", "namespace": "slipway", "annotations": annotations}
    more = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
    return [*right(), *of_manifests([more])]


def granting(**statement: Any) -> list[Resource]:
    policy = {"Statement": {"Effect": "Allow", **statement}}
    return [*right(), Resource(ROLE_POLICY, "more", {"policy": json.dumps(policy)})]


def route(auth: str) -> Resource:
    rules = {"slipway.dev/route": json.dumps({"model": "digits", "auth": auth})}
    manifest = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
    (made,) = of_manifests([{**manifest, "metadata": {"name": "digits", "annotations": rules}}])
    return made


POD = "spec.template.spec"
SERVER = f"{POD}.containers.0"
OWN = f"{SERVER}.securityContext"

RESTRICTED: dict[str, tuple[str, Any]] = {
    "hostNetwork is not false": (f"{POD}.hostNetwork", True),
    "hostPID is not false": (f"{POD}.hostPID", True),
    "hostIPC is not false": (f"{POD}.hostIPC", True),
    "volume config is of kind hostPath": (f"{POD}.volumes.0", {"name": "config", "hostPath": {"path": "/"}}),
    "sysctls has kernel.msgmax": (f"{POD}.securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    "runAsNonRoot is not true": (f"{POD}.securityContext.runAsNonRoot", False),
    "securityContext.runAsUser is 0": (f"{OWN}.runAsUser", 0),
    "windowsOptions.hostProcess is not false": (f"{OWN}.windowsOptions", {"hostProcess": True}),
    "seLinuxOptions.type is not": (f"{OWN}.seLinuxOptions", {"type": "spc_t"}),
    "seLinuxOptions.role is set": (f"{OWN}.seLinuxOptions", {"role": "sysadm_r"}),
    "appArmorProfile.type is neither": (f"{OWN}.appArmorProfile", {"type": "Unconfined"}),
    "annotation container.apparmor.security.beta.kubernetes.io/server": (
        "spec.template.metadata.annotations",
        {"container.apparmor.security.beta.kubernetes.io/server": "unconfined"},
    ),
    "seccompProfile.type is neither": (f"{OWN}.seccompProfile", {"type": "Unconfined"}),
    "privileged is not false": (f"{OWN}.privileged", True),
    "allowPrivilegeEscalation is not false": (f"{OWN}.allowPrivilegeEscalation", ...),
    "procMount is not Default": (f"{OWN}.procMount", "Unmasked"),
    "container server: securityContext.runAsNonRoot is not True": (f"{OWN}.runAsNonRoot", False),
    "capabilities.drop has no ALL": (f"{OWN}.capabilities", {"drop": ["NET_RAW"]}),
    "capabilities.add has SYS_ADMIN": (f"{OWN}.capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "port 8080 has a hostPort": (f"{SERVER}.ports.0.hostPort", 8080),
    "readinessProbe.httpGet.host is set": (f"{SERVER}.readinessProbe.httpGet.host", "169.254.169.254"),
    "lifecycle.preStop.httpGet.host is set": (f"{SERVER}.lifecycle", {"preStop": {"httpGet": {"host": "x"}}}),
}

WRONG: list[tuple[str, str, Callable[[], list[Resource]]]] = [
    ("image-by-digest", "runs repo:1, which has no", lambda: changed("Deployment", f"{SERVER}.image", "repo:1")),
    ("no-latest-tag", "runs repo:latest", lambda: changed("Deployment", f"{SERVER}.image", "repo:latest")),
    ("no-latest-tag", "runs host:80/repo", lambda: changed("Deployment", f"{SERVER}.image", "host:80/repo")),
    ("model-network-policy", "no NetworkPolicy for Ingress", lambda: changed("Deployment", "metadata.namespace", "x")),
    (
        "public-endpoint-key",
        "Service of type LoadBalancer without",
        lambda: manifest("v1", "Service", {"type": "LoadBalancer"}),
    ),
    (
        "public-endpoint-key",
        "Ingress is internet-facing without",
        lambda: manifest(
            "networking.k8s.io/v1", "Ingress", {}, **{"alb.ingress.kubernetes.io/scheme": "internet-facing"}
        ),
    ),
    ("default-deny", "denies what no other", lambda: changed("NetworkPolicy", "spec.podSelector", {"matchLabels": {}})),
    ("default-deny", "denies what no other", lambda: changed("NetworkPolicy", "spec.egress", [{}])),
    ("no-public-bucket", "no BucketPublicAccessBlock", lambda: without(aws.PUBLIC_ACCESS_BLOCK)),
    (
        "no-public-bucket",
        "blockPublicAcls is not true",
        lambda: changed(aws.PUBLIC_ACCESS_BLOCK, "blockPublicAcls", False),
    ),
    ("no-public-bucket", "has the ACL public-read", lambda: changed(aws.BUCKET, "acl", "public-read")),
    (
        "no-public-bucket",
        "allows something to everybody",
        lambda: [
            *right(),
            Resource(
                aws.BUCKET_POLICY,
                "more",
                {"policy": json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}})},
            ),
        ],
    ),
    ("encryption-at-rest", "no BucketServerSide", lambda: without(aws.ENCRYPTED_BUCKET)),
    ("encryption-at-rest", "has no secrets", lambda: changed(aws.CLUSTER, "encryptionConfig", ...)),
    ("encryption-at-rest", "has no keyArn", lambda: changed(aws.CLUSTER, "encryptionConfig.provider", {})),
    (
        "encryption-at-rest",
        "disk /dev/xvda: ebs.encrypted is not true",
        lambda: changed(aws.LAUNCH_TEMPLATE, "blockDeviceMappings.0.ebs.encrypted", "false"),
    ),
    ("encryption-at-rest", "has no disk", lambda: changed(aws.LAUNCH_TEMPLATE, "blockDeviceMappings", ...)),
    ("encryption-at-rest", "has no launchTemplate", lambda: changed(aws.NODE_GROUP, "launchTemplate", ...)),
    ("encryption-at-rest", "no encryptionType KMS", lambda: changed(aws.REPOSITORY, "encryptionConfigurations", ...)),
    ("encryption-at-rest", "has no kmsKeyId", lambda: changed(aws.LOG_GROUP, "kmsKeyId", ...)),
    ("encryption-in-transit", "aws:SecureTransport", lambda: without(aws.BUCKET_POLICY)),
    ("encryption-at-rest", "storageEncrypted is not true", lambda: changed(aws.DATABASE, "storageEncrypted", False)),
    ("encryption-at-rest", "has no kmsKeyId", lambda: changed(aws.DATABASE, "kmsKeyId", ...)),
    ("no-public-database", "publiclyAccessible", lambda: changed(aws.DATABASE, "publiclyAccessible", True)),
    ("no-public-database", "manageMasterUserPassword", lambda: changed(aws.DATABASE, "manageMasterUserPassword", ...)),
    ("no-public-database", "has a password", lambda: changed(aws.DATABASE, "password", "hunter2")),
    ("kept-database", "deletionProtection", lambda: changed(aws.DATABASE, "deletionProtection", ...)),
    ("kept-database", "backupRetentionPeriod", lambda: changed(aws.DATABASE, "backupRetentionPeriod", 0)),
    ("kept-database", "skipFinalSnapshot", lambda: changed(aws.DATABASE, "skipFinalSnapshot", True)),
    ("key-rotation", "enableKeyRotation", lambda: changed(aws.KEY, "enableKeyRotation", ...)),
    (
        "no-open-security-group",
        "lets 0.0.0.0/0 in",
        lambda: changed(INGRESS, "cidrIpv4", "0.0.0.0/0"),
    ),
    (
        "no-open-security-group",
        "lets ::/0 in",
        lambda: [
            *right(),
            Resource(
                "aws:ec2/securityGroup:SecurityGroup", "g", {"tags": TAGS, "ingress": [{"ipv6CidrBlocks": ["::/0"]}]}
            ),
        ],
    ),
    ("no-open-cluster-api", "publicAccessCidrs", lambda: changed(aws.CLUSTER, "vpcConfig.publicAccessCidrs", ...)),
    (
        "no-open-cluster-api",
        "publicAccessCidrs",
        lambda: changed(aws.CLUSTER, "vpcConfig.publicAccessCidrs", ["0.0.0.0/0"]),
    ),
    (
        "no-open-cluster-api",
        "endpointPrivateAccess",
        lambda: changed(aws.CLUSTER, "vpcConfig.endpointPrivateAccess", False),
    ),
    ("instance-metadata-v2", "httpTokens", lambda: changed(aws.LAUNCH_TEMPLATE, "metadataOptions.httpTokens", ...)),
    (
        "instance-metadata-v2",
        "HopLimit",
        lambda: changed(aws.LAUNCH_TEMPLATE, "metadataOptions.httpPutResponseHopLimit", 2),
    ),
    ("least-privilege", "allows s3:*", lambda: granting(Action="s3:*", Resource="arn:aws:s3:::store")),
    ("least-privilege", "allows *", lambda: granting(Action="*", Resource="arn:aws:s3:::store")),
    ("least-privilege", "on every resource", lambda: granting(Action=["s3:GetObject"], Resource="*")),
    ("least-privilege", "all but NotAction", lambda: granting(NotAction="iam:*", Resource="arn:aws:s3:::store")),
    (
        "least-privilege",
        "attaches arn:aws:iam::aws:policy/AmazonS3FullAccess",
        lambda: [
            *right(),
            Resource(
                "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
                "more",
                {"policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"},
            ),
        ],
    ),
    (
        "least-privilege",
        "allows something to everybody",
        lambda: changed(
            "aws:iam/role:Role",
            "assumeRolePolicy",
            json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}),
        ),
    ),
    ("public-auth", "neither a key nor a token", lambda: [*right(), route("none")]),
    ("tags", f"tags have no {ENVIRONMENT_TAG}", lambda: changed("aws:ec2/vpc:Vpc", "tags", {})),
    ("tags", f"tags have no {MANAGED_BY_TAG}", lambda: changed(aws.CLUSTER, "tags", {ENVIRONMENT_TAG: "dev"})),
    ("tags", "tags of volume in tagSpecifications", lambda: changed(aws.LAUNCH_TEMPLATE, "tagSpecifications.1", ...)),
    *(
        ("restricted-pod", problem, lambda path=path, value=value: changed("Deployment", path, value))
        for problem, (path, value) in RESTRICTED.items()
    ),
]


def test_a_stack_in_which_everything_is_right_breaks_no_rule() -> None:
    assert list(violations(right())) == []
    assert list(violations([*right(), route("api-key"), route("oidc")])) == []


@pytest.mark.parametrize(("rule", "problem", "resources"), WRONG)
def test_one_thing_wrong_breaks_its_rule(rule: str, problem: str, resources: Callable[[], list[Resource]]) -> None:
    found = list(violations(resources()))
    assert any(one.rule.id == rule and problem in one.problem for one in found), found


def test_nothing_breaks_a_rule_that_it_is_not_about() -> None:
    for rule, _, resources in WRONG:
        others = {one.rule.id for one in violations(resources())} - {rule}
        # An image that is called `latest` has no digest either; a pod in another namespace loses its policy only.
        assert others <= ({"image-by-digest"} if rule == "no-latest-tag" else set()), rule


def test_every_rule_that_the_engine_sees_has_one_check_and_a_case_here() -> None:
    seen = {rule.id for rule in RULES if "engine" in rule.seen_by}
    assert seen == OF_ONE.keys() | OF_ALL.keys()
    assert not OF_ONE.keys() & OF_ALL.keys()
    assert seen == {rule for rule, _, _ in WRONG}


def test_rules_have_names_and_reasons_of_one_form() -> None:
    assert len(BY_ID) == len(RULES)
    for rule in RULES:
        assert rule.id.replace("-", "").isalnum() and rule.id == rule.id.lower()
        assert len(rule.reason) > 20 and not rule.reason.endswith(".")
        assert rule.mandatory or rule.seen_by == ("plan",), "the policy pack makes everything that it checks mandatory"


@pytest.mark.parametrize("environment", ["local", "cloud"])
def test_what_templates_make_of_the_fixtures_breaks_no_rule(environment: str) -> None:
    plan = fixture_plan(environment)
    for model in plan.models:
        resources = list(of_manifests([*render_environment(plan), *render_model(model, placeholder_image(model))]))
        assert list(violations(resources)) == []


def test_what_a_preview_does_not_know_yet_is_not_held_against_it() -> None:
    unknown = [
        Resource(one.type, one.name, {key: UNKNOWN for key in one.properties if key not in ("kind", "metadata")})
        for one in right()
        if not one.kind and one.type != aws.BUCKET
    ]
    assert list(violations([*unknown, Resource(aws.BUCKET, "store", {"bucket": UNKNOWN, "tags": UNKNOWN})])) == []


def test_the_policy_of_another_bucket_protects_none() -> None:
    resources = changed(aws.PUBLIC_ACCESS_BLOCK, "bucket", "another")
    assert [one.rule.id for one in violations(resources)] == ["no-public-bucket"]


@needs_aws
def test_types_with_tags_are_those_of_the_sdk() -> None:
    """Each type of TAGGED takes `tags` in the pinned pulumi-aws; a typing error would check nothing."""
    found = find_spec("pulumi_aws")
    assert found is not None
    assert found.origin is not None
    for token in sorted(aws.TAGGED):
        package, _, name = token.removeprefix("aws:").partition("/")
        module = re.sub(r"([A-Z])", r"_\1", name.partition(":")[0]).lower()
        source = (Path(found.origin).parent / package / f"{module}.py").read_text()
        assert f"'{token}'" in source
        assert re.search(r"^ +tags: ", source, re.MULTILINE), token


@pytest.mark.parametrize(
    ("image", "latest"),
    [
        ("repo", True),
        ("host:5000/repo", True),
        ("host/repo:latest", True),
        ("host:5000/repo:1.0", False),
        ("host/repo:latest@sha256:" + "0" * 64, False),
    ],
)
def test_latest_is_recognised_in_words_and_by_its_absence(image: str, latest: bool) -> None:
    assert is_latest(image) is latest


def annotated(exceptions: str) -> Resource:
    return Resource("kubernetes:v1:Pod", "p", {"metadata": {"annotations": {EXCEPTIONS_ANNOTATION: exceptions}}})


@given(st.text(min_size=20), st.sampled_from(EXCEPTABLE))
def test_an_exception_is_read_back_from_an_object_whatever_its_words(reason: str, rule: str) -> None:
    resource = annotated(json.dumps({rule: reason}))
    assert [other for other in BY_ID if excepted(resource, other)] == [rule]


def test_no_object_is_excepted_from_a_rule_about_its_environment() -> None:
    assert not excepted(annotated(json.dumps({"tags": "because nobody would look there"})), "tags")

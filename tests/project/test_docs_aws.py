"""docs/how-to/aws.md and its policies against Amazon's service models: each command, parameter and action exists."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from slipway.aws.tunnel.session import DOCUMENT
from slipway.local.plugins import aws as rehearsal
from slipway.local.plugins.aws.iam.dependents import of_call
from slipway.policy.iam import anyone
from slipway.values.names import bastion, cluster

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "aws.md"
TRUST, INLINE, MANAGED, NODES, BASTION, STATE = (
    json.loads((ROOT / "docs" / "how-to" / "aws" / f"{name}.json").read_text())
    for name in (
        "trust-policy",
        "deploy-policy",
        "deploy-managed-policy",
        "deploy-nodes-policy",
        "deploy-bastion-policy",
        "state-bucket-policy",
    )
)
DEPLOY = {"Statement": [*INLINE["Statement"], *MANAGED["Statement"], *NODES["Statement"]]}
"""All that the role that deploys may do: by the policy in it, and by the one beside it."""

SERVICES = {"s3api": "s3"}
"""The AWS CLI's name of a service, where it is not that of the service model."""

GLOBAL = {"region", "output", "query", "profile"}

OWN = {("ecr", "get-login-password"): {"region"}, ("eks", "update-kubeconfig"): {"name", "alias"}}
"""Commands that the AWS CLI makes of several calls, with the parameters used here
(https://docs.aws.amazon.com/cli/latest/reference/)."""

ACTIONS = {
    "budgets:ModifyBudget": "CreateBudget UpdateBudget DeleteBudget CreateNotification DeleteNotification",
    "budgets:ViewBudget": "DescribeBudget",
    "iam:PassRole": "",
    "s3:DeleteObject": "DeleteObjects",
    "s3:DeleteObjectVersion": "DeleteObjects",
    "s3:ListBucket": "HeadBucket ListObjectsV2",
    "s3:PutBucketPublicAccessBlock": "PutPublicAccessBlock DeletePublicAccessBlock",
    "s3:PutBucketOwnershipControls": "PutBucketOwnershipControls DeleteBucketOwnershipControls",
    "s3:PutBucketTagging": "PutBucketTagging DeleteBucketTagging",
    "s3:PutEncryptionConfiguration": "PutBucketEncryption DeleteBucketEncryption",
    "s3:PutLifecycleConfiguration": "PutBucketLifecycleConfiguration DeleteBucketLifecycle",
}
"""Actions that are not called as the operations that they allow (Service Authorization Reference)."""

MODELS = {"elasticloadbalancing": "elbv2", "tag": "resourcegroupstaggingapi"}
"""The prefix of a service's actions, where it is not the name of its model."""

INLINE_LIMIT, MANAGED_LIMIT = 10_240, 6_144
"""Characters of all inline policies of a role, and of a managed one, white space not counted (IAM quotas)."""


@lru_cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def commands() -> list[list[str]]:
    """The `aws` commands of the page, each as its words; lines that end in a backslash go on."""
    text = PAGE.read_text().replace("\\\n", " ")
    lines = re.findall(r"^ {4,}(aws .*)$", text, re.MULTILINE)
    return [shlex.split(re.split(r" \| ", line)[0], comments=True) for line in lines]


def parameters(words: list[str]) -> dict[str, str | None]:
    """`--name value` pairs; None for a flag."""
    found: dict[str, str | None] = {}
    for index, word in enumerate(words):
        if word.startswith("--"):
            value = words[index + 1] if index + 1 < len(words) else None
            found[word[2:]] = None if value is None or value.startswith("--") else value
    return found


def check_value(shape: Any, value: str) -> None:
    """Hold a structure that is written out against its members; other values are the reader's own."""
    if value.startswith(("{", "[")):
        report = ParamValidator().validate(json.loads(value), shape)
        assert not report.has_errors(), report.generate_report()
    elif shape.type_name in ("structure", "list") and "=" in value and not value.startswith("file://"):
        members = (shape.member if shape.type_name == "list" else shape).members
        for pair in value.split(","):
            name, _, given = pair.partition("=")
            assert name in members, f"{name} is none of {list(members)}"
            allowed = getattr(members[name], "enum", None)
            assert not allowed or given in allowed, f"{given} is none of {allowed}"


def test_the_page_has_the_commands_that_this_file_finds() -> None:
    found = commands()
    assert len(found) == PAGE.read_text().count("    aws ") > 15
    assert {words[1] for words in found} >= {"sts", "kms", "s3api", "iam", "ce", "service-quotas", "ecr", "eks"}


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words[1:3]))
def test_a_command_is_one_of_the_service_models(words: list[str]) -> None:
    _, service, operation, *rest = words
    given = parameters(rest)
    if (service, operation) in OWN:
        assert set(given) - GLOBAL <= OWN[service, operation]
        return
    of = model(SERVICES.get(service, service))
    names = {xform_name(name, "-"): name for name in of.operation_names}
    assert operation in names, f"{service} has no {operation}"
    shape = of.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    for name, value in given.items():
        if name in GLOBAL:
            continue
        if name not in members and shape.members[members[name.removeprefix("no-")]].type_name == "boolean":
            continue  # the AWS CLI's way to write false
        assert name in members, f"{service} {operation} has no --{name}"
        if value is not None:
            check_value(shape.members[members[name]], value)
    required = {xform_name(name, "-") for name in (shape.required_members if shape else [])}
    # The one argument of the AWS CLI that is no parameter: the file that an object is written to.
    assert required <= set(given), f"{service} {operation} needs {required - set(given)}"


def test_a_file_that_a_command_reads_is_there() -> None:
    files = re.findall(r"file://(\S+)", PAGE.read_text())
    assert len(files) == 7
    assert all((ROOT / file).is_file() for file in files)


def allowed(policy: Mapping[str, Any]) -> Iterator[str]:
    for statement in policy["Statement"]:
        actions = statement["Action"]
        yield from [actions] if isinstance(actions, str) else actions


def operations(action: str) -> set[str]:
    """The operations of a service that an action allows; empty when there is no such action."""
    prefix, _, name = action.partition(":")
    known = set(model(MODELS.get(prefix, prefix)).operation_names)
    if action in ACTIONS:
        return set(ACTIONS[action].split()) & known
    return {operation for operation in known if fnmatchcase(operation, name)}


@pytest.mark.parametrize("action", sorted({*allowed(DEPLOY), *allowed(BASTION), *allowed(TRUST)}))
def test_an_action_of_a_policy_exists(action: str) -> None:
    if action == "iam:PassRole":
        return  # no call: what another call hands over
    named = set(ACTIONS[action].split()) if action in ACTIONS else set()
    assert operations(action) and operations(action) >= named


def calls_of_the_rehearsal() -> set[tuple[str, str]]:
    """Every call that the stand-in for pulumi-aws makes, by its source: service and operation."""
    found: set[tuple[str, str]] = set()
    files = ("aws/account.py", "aws/tagged.py", "environments/running/aws_gateway.py")
    own = [ROOT / "infra" / "slipway" / path for path in files]
    for file in [*Path(rehearsal.__path__[0]).rglob("*.py"), *own]:
        for service, operation in re.findall(r'\(\s*"([a-z0-9]+)",\s*"([a-z_0-9]+)"', file.read_text()):
            if service in {
                "budgets",
                "ec2",
                "ecr",
                "eks",
                "iam",
                "kms",
                "logs",
                "rds",
                "resourcegroupstaggingapi",
                "s3",
            }:
                names = {xform_name(name): name for name in model(service).operation_names}
                if operation in names:
                    found.add((service, names[operation]))
    return found


NOT_GRANTED = {
    ("iam", "DeleteRolePermissionsBoundary"): "no program sets a boundary",
    ("iam", "PutRolePermissionsBoundary"): "no program sets a boundary",
    ("ec2", "DescribeInstanceTypes"): "the stand-in's own, for the nodes that it makes",
}


def test_the_deploying_role_may_make_every_call_of_the_rehearsal_and_what_it_needs_besides() -> None:
    calls = calls_of_the_rehearsal()
    assert len(calls) > 130
    dependent = {row.action for service, operation in calls for row in of_call(f"{service}:{operation}")}
    assert dependent > {"ec2:RunInstances", "iam:CreateServiceLinkedRole", "route53:AssociateVPCWithHostedZone"}
    assert {name for name in dependent if not any(fnmatchcase(name, one) for one in allowed(DEPLOY))} == set()
    granted = {
        (MODELS.get(prefix, prefix), operation)
        for policy in (DEPLOY, BASTION)
        for action in allowed(policy)
        for prefix in [action.partition(":")[0]]
        for operation in operations(action)
    }
    assert calls - granted - NOT_GRANTED.keys() == set()


ON_EVERYTHING = {
    "Look": "lists",
    "NamesOfEndpoints": "the private zones of AWS's services, whose ids nobody knows",
}
"""Statements on every resource under no condition, and why."""


def test_the_policy_of_the_deploying_role_is_narrow_and_fits_a_role() -> None:
    for policy, limit in ((INLINE, INLINE_LIMIT), (MANAGED, MANAGED_LIMIT), (NODES, MANAGED_LIMIT)):
        assert len(re.sub(r"\s", "", json.dumps(policy))) <= limit
    assert len({statement["Sid"] for statement in DEPLOY["Statement"]}) == len(DEPLOY["Statement"])
    for statement in DEPLOY["Statement"]:
        resources = statement["Resource"]
        if "*" in ([resources] if isinstance(resources, str) else resources):
            assert statement.get("Condition") or statement["Sid"] in ON_EVERYTHING, statement["Sid"]
        assert not any(action.endswith(":*") for action in statement["Action"])
    (roles,) = (statement for statement in DEPLOY["Statement"] if statement["Sid"] == "Roles")
    # The role that deploys is not named as those that it makes, so that it cannot change itself.
    assert roles["Resource"] == f"arn:aws:iam::123456789012:role/{cluster('prod')}-*"
    assert not fnmatchcase("arn:aws:iam::123456789012:role/deploy-slipway-prod", roles["Resource"])


def test_what_a_bastion_needs_opens_no_shell_and_fits_a_managed_policy() -> None:
    assert len(re.sub(r"\s", "", json.dumps(BASTION))) <= MANAGED_LIMIT
    sessions = [one for one in BASTION["Statement"] if "ssm:StartSession" in one["Action"]]
    documents = [one["Resource"] for one in sessions if ":document/" in one["Resource"]]
    assert documents == [f"arn:aws:ssm:eu-central-1::document/{DOCUMENT}"]
    (instances,) = [one for one in sessions if ":instance/" in one["Resource"]]
    # Without it, a session without a document, which is a shell, would be allowed by the instance alone.
    assert instances["Condition"]["BoolIfExists"] == {"ssm:SessionDocumentAccessCheck": "true"}
    assert instances["Condition"]["StringEquals"]["ssm:resourceTag/Name"] == bastion("prod")


def test_one_repository_and_environment_may_take_the_role() -> None:
    (statement,) = TRUST["Statement"]
    assert not anyone(statement)
    condition = statement["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    assert condition["token.actions.githubusercontent.com:sub"].endswith(":environment:prod")
    assert "*" not in json.dumps(TRUST)

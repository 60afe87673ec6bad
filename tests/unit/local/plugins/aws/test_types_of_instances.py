"""An instance that a launch template describes, and the profile that gives it a role, on moto without an engine."""

from slipway.local.plugins.aws.backend import Aws
from tests.support.made_in_aws import Json, Made, unique

_TAGS = {"Name": "bastion", "slipway:environment": "dev"}
_IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"


def subnet(aws: Aws) -> Made:
    network = Made(aws, "ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": _TAGS})
    inputs = {"vpcId": network.id, "cidrBlock": "10.0.1.0/24", "availabilityZone": "eu-central-1a", "tags": _TAGS}
    return Made(aws, "ec2/subnet:Subnet", inputs)


def test_an_instance_is_what_its_template_says_and_gone_when_it_is_deleted(shared: Aws) -> None:
    template = Made(
        shared, "ec2/launchTemplate:LaunchTemplate",
        {"name": unique("bastion"), "imageId": _IMAGE, "instanceType": "t4g.nano", "tags": _TAGS},
    )  # fmt: skip
    inputs: Json = {
        "launchTemplate": {"id": template.id, "version": "1"}, "subnetId": subnet(shared).id, "tags": _TAGS,
    }  # fmt: skip
    instance = Made(shared, "ec2/instance:Instance", inputs)
    assert instance.state["instanceType"] == "t4g.nano"
    assert instance.state["ami"].startswith("ami-")
    assert instance.seen() == inputs
    assert instance.replaced_by(launchTemplate={"id": template.id, "version": "2"}) == ["launchTemplate.version"]
    assert instance.change(tags={**_TAGS, "team": "ml"})["tagsAll"]["team"] == "ml"
    instance.delete()


def test_a_profile_has_a_role_and_gives_it_up(shared: Aws) -> None:
    trust = '{"Version": "2012-10-17", "Statement": []}'
    names = [unique("role") for _ in range(2)]
    roles = [Made(shared, "iam/role:Role", {"name": name, "assumeRolePolicy": trust}) for name in names]
    profile = Made(
        shared, "iam/instanceProfile:InstanceProfile", {"name": unique("p"), "role": names[0], "tags": _TAGS}
    )
    assert profile.seen()["role"] == names[0]
    profile.change(role=names[1], tags={"Name": "other"})
    assert profile.seen()["role"] == names[1]
    profile.delete()
    for role in roles:
        role.delete()

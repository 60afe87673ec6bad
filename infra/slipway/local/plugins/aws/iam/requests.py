"""What a call asks IAM for: each of its actions on each of its resources, with the keys that go with them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.aws.iam.conditions import Context
from slipway.local.plugins.aws.iam.evaluate import Request
from slipway.local.plugins.aws.iam.reference import Action, action, actions
from slipway.local.plugins.aws.iam.resources import Named, Place, named

Tags = Mapping[str, str]
TagsOf = Callable[[str, str], Tags]
"""The tags of a resource that is there, by the prefix of its service and what the call named it by."""


@dataclass(frozen=True)
class Call:
    """A call of AWS's API: boto3's name of the service, Amazon's of the operation, boto3's parameters."""

    service: str
    operation: str
    params: Mapping[str, Any]

    @property
    def name(self) -> str:
        """`ec2:CreateVpc`."""
        return f"{self.service}:{self.operation}"


def requests(call: Call, place: Place, tags_of: TagsOf) -> Iterator[Request]:
    """All that a call itself asks for. Raises PolicyError for an action that AWS does not have."""
    for name in actions(call.service, call.operation):
        yield from asked(action(name), call.params, _own_keys(call, place), place, tags_of)


def asked(
    about: Action, params: Mapping[str, Any], keys: Mapping[str, str], place: Place, tags_of: TagsOf
) -> Iterator[Request]:
    """An action on each of the resources that parameters name. `keys`: those of the request beside its tags."""
    some = False
    for resource in named(about, params, place):
        some = True
        given = request_tags(params, resource.kind.name if about.name.startswith("ec2:") else None)
        context = dict(keys) | _tagged("requesttag", given)
        if resource.identifier is not None:
            context |= _tagged("resourcetag", tags_of(about.name.partition(":")[0], resource.identifier))
        yield Request(about.name, resource.arn, _known(context, given, about, resource))
    if not some:
        given = request_tags(params, None)
        yield Request(about.name, "*", _known(dict(keys) | _tagged("requesttag", given), given, about, None))


def request_tags(params: Mapping[str, Any], kind: str | None) -> dict[str, str]:
    """The tags that a call gives to what it makes or changes; of EC2 those for one type of resource."""
    found: list[Mapping[str, str]] = []
    for one in params.get("TagSpecifications", ()):
        found += one["Tags"] if one["ResourceType"] == kind else []
    for name in ("Tags", "tags", "ResourceTags"):
        given = params.get(name)
        if isinstance(given, Mapping):
            return dict(given)
        found += given or []
    return {str(_either(tag, "Key")): str(_either(tag, "Value")) for tag in found}


def _either(tag: Mapping[str, str], name: str) -> str:
    return next((tag[key] for key in (name, f"Tag{name}", name.lower()) if key in tag), "")


def _tagged(key: str, tags: Tags) -> dict[str, str]:
    return {f"aws:{key}/{name}".lower(): value for name, value in tags.items()}


def _known(context: Mapping[str, str], given: Tags, about: Action, resource: Named | None) -> Context:
    """Only the keys that AWS has in a request for this action on this resource."""
    keys = about.keys | (resource.kind.keys if resource else frozenset())
    forms = {f"{key.partition('/')[0]}/" if "${" in key else key for key in keys}
    kept = {
        key: (value,)
        for key, value in context.items()
        if key in forms or f"{key.partition('/')[0]}/" in forms or key.startswith("kms:encryptioncontext")
    }
    return kept | ({"aws:tagkeys": tuple(given)} if given and "aws:tagkeys" in forms else {})


def _own_keys(call: Call, place: Place) -> dict[str, str]:
    """Keys of the request that are parameters of the call."""
    found = {}
    template = call.params.get("LaunchTemplate", {}).get("LaunchTemplateId")
    if template and call.name == "ec2:RunInstances":
        arn = f"arn:{place.partition}:ec2:{place.region}:{place.account}:launch-template/{template}"
        found["ec2:launchtemplate"] = arn
    for parameter, key in (("PolicyArn", "iam:policyarn"), ("AWSServiceName", "iam:awsservicename")):
        if parameter in call.params and call.service == "iam":
            found[key] = str(call.params[parameter])
    return found

"""Ask IAM before a call is made: hold all that it needs against the policies of the role that makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from slipway.local.plugins.aws.iam.conditions import PolicyError
from slipway.local.plugins.aws.iam.dependents import needed
from slipway.local.plugins.aws.iam.evaluate import Decision, Request, decide
from slipway.local.plugins.aws.iam.requests import Call, requests
from slipway.local.plugins.aws.iam.resources import Place

_ALWAYS = "sts:GetCallerIdentity"
"""What needs no permission."""

_CODES = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "rds": "AccessDenied", "s3": "AccessDenied"}
"""How services that do not say AccessDeniedException refuse."""

Client = Callable[[str], Any]
"""A client of boto3 for a service, in the region of the call."""


@dataclass(frozen=True)
class Role:
    """Who calls: the ARN of the session, and the policies of its role."""

    session: str
    policies: tuple[Mapping[str, Any], ...]


def judge(role: Role, call: Call, place: Place, client: Client) -> None:
    """Refuse, in AWS's words, a call that the role may not make. Raises ClientError, and PolicyError."""
    if call.name == _ALWAYS:
        return
    look = _Look(client)
    call = look.resolved(call)
    template = look.template(call.params.get("launchTemplate"))
    for request in (*requests(call, place, look.tags), *needed(call, place, look.tags, template)):
        try:
            decision = decide(role.policies, request)
        except PolicyError as error:
            raise PolicyError(f"{call.name} needs {request.action}: {error}") from error
        if not decision.allowed:
            raise _refusal(role, call, request, decision)


def _refusal(role: Role, call: Call, request: Request, decision: Decision) -> ClientError:
    why = (
        f"because no identity-based policy allows the {request.action} action"
        if decision.sid is None
        else f"with an explicit deny in an identity-based policy ({decision.sid})"
    )
    message = f"User: {role.session} is not authorized to perform: {request.action} on resource: {request.resource}"
    keys = ", ".join(f"{key}={'|'.join(values)}" for key, values in sorted(request.context.items()))
    with_keys = f" (keys of the request: {keys})" if keys else ""
    text = f"{message} {why}{with_keys}"
    if call.service == "ec2":
        text = f"You are not authorized to perform this operation. {text}"
    error = {"Code": _CODES.get(call.service, "AccessDeniedException"), "Message": text}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}, call.operation)


@dataclass(frozen=True)
class _Look:
    """What AWS knows of what a call names: tags, the data of launch templates, what is meant by a name."""

    client: Client

    def resolved(self, call: Call) -> Call:
        """The call with what AWS judges it on and it does not name itself."""
        resolve = {
            "ec2:DisassociateRouteTable": self._ends,
            "eks:UpdateNodegroupVersion": self._subnets,
            "kms:DeleteAlias": self._key,
        }.get(call.name)
        return call if resolve is None else replace(call, params={**call.params, **resolve(call.params)})

    def _ends(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The route table and the subnet of an association."""
        wanted = [{"Name": "association.route-table-association-id", "Values": [params["AssociationId"]]}]
        for table in self.client("ec2").describe_route_tables(Filters=wanted)["RouteTables"]:
            for one in table["Associations"]:
                if one["RouteTableAssociationId"] == params["AssociationId"] and "SubnetId" in one:
                    return {"RouteTableId": table["RouteTableId"], "SubnetId": one["SubnetId"]}
        return {}

    def _subnets(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where new nodes of a group start."""
        group = {name: params[name] for name in ("clusterName", "nodegroupName")}
        return {"subnets": self.client("eks").describe_nodegroup(**group)["nodegroup"]["subnets"]}

    def _key(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The key that an alias is of."""
        there = self.client("kms").list_aliases()["Aliases"]
        keys = [one["TargetKeyId"] for one in there if one["AliasName"] == params["AliasName"]]
        return {"TargetKeyId": keys[0]} if keys else {}

    def tags(self, service: str, identifier: str) -> Mapping[str, str]:
        """The tags of a resource; none of services whose policies here ask for no tag, and of what is not there."""
        try:
            if service == "ec2":
                wanted = [{"Name": "resource-id", "Values": [identifier]}]
                found = self.client("ec2").describe_tags(Filters=wanted)["Tags"]
                return {tag["Key"]: tag["Value"] for tag in found}
            if service == "kms":
                found = self.client("kms").list_resource_tags(KeyId=identifier)["Tags"]
                return {tag["TagKey"]: tag["TagValue"] for tag in found}
        except ClientError:
            return {}
        return {}

    def template(self, named: Any) -> Mapping[str, Any]:
        """The data of the launch template that a node group names."""
        if not isinstance(named, Mapping) or "id" not in named:
            return {}
        wanted = {"LaunchTemplateId": named["id"], "Versions": [str(named.get("version", "$Default"))]}
        found = self.client("ec2").describe_launch_template_versions(**wanted)["LaunchTemplateVersions"]
        data = dict(found[0]["LaunchTemplateData"]) if found else {}
        # moto puts the template's own tags among those of what is launched.
        launched = [one for one in data.get("TagSpecifications", []) if one["ResourceType"] != "launch-template"]
        return data | {"TagSpecifications": launched}

"""Roles and what they may do."""

import json
from typing import Any

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import FIXED, LOCAL, REQUIRED_FIXED, VALUE, Object, Property, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.spelling import given

_MISSING = ("NoSuchEntity",)
_ROLE_NAMES = {
    "name": "RoleName", "path": "Path", "assumeRolePolicy": "AssumeRolePolicyDocument", "description": "Description",
    "maxSessionDuration": "MaxSessionDuration", "permissionsBoundary": "PermissionsBoundary",
}  # fmt: skip


def _document(found: Any) -> str:
    return found if isinstance(found, str) else json.dumps(found)


def _create(aws: Aws, inputs: Object) -> str:
    made = aws.call("iam", "create_role", Tags=tags.pairs(inputs.get("tags")), **given(inputs, _ROLE_NAMES))
    return str(made["Role"]["RoleName"])


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("iam", "get_role", _MISSING, RoleName=identifier)
    if found is None:
        return None
    role = found["Role"]
    return {
        "arn": role["Arn"],
        "name": role["RoleName"],
        "path": role["Path"],
        "uniqueId": role["RoleId"],
        "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
        "description": role.get("Description"),
        "maxSessionDuration": role.get("MaxSessionDuration"),
        "permissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        **tags.outputs(tags.mapping(role.get("Tags"))),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    if old.get("assumeRolePolicy") != new["assumeRolePolicy"]:
        aws.call("iam", "update_assume_role_policy", RoleName=identifier, PolicyDocument=new["assumeRolePolicy"])
    if any(old.get(key) != new.get(key) for key in ("description", "maxSessionDuration")):
        duration = new.get("maxSessionDuration", 3600)
        aws.call(
            "iam", "update_role", RoleName=identifier, Description=new.get("description", ""),
            MaxSessionDuration=duration,
        )  # fmt: skip
    if old.get("permissionsBoundary") != new.get("permissionsBoundary"):
        if "permissionsBoundary" in new:
            boundary = new["permissionsBoundary"]
            aws.call("iam", "put_role_permissions_boundary", RoleName=identifier, PermissionsBoundary=boundary)
        else:
            aws.call("iam", "delete_role_permissions_boundary", RoleName=identifier)
    put, gone = tags.changed(old, new)
    if gone:
        aws.call("iam", "untag_role", RoleName=identifier, TagKeys=gone)
    if put:
        aws.call("iam", "tag_role", RoleName=identifier, Tags=tags.pairs(put))


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("iam", "delete_role", _MISSING, RoleName=identifier)


ROLE = ResourceType(
    token="aws:iam/role:Role",
    source="hashicorp/terraform-provider-aws internal/service/iam/role.go",
    properties={
        "name": REQUIRED_FIXED, "path": FIXED, "assumeRolePolicy": Property(required=True, json=True),
        "description": VALUE, "maxSessionDuration": VALUE, "permissionsBoundary": VALUE,
        "forceDetachPolicies": LOCAL, "tags": VALUE,
    },
    name="name",
    computed=frozenset({"arn", "uniqueId", "tagsAll"}),
    create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip


def _put_policy(aws: Aws, inputs: Object) -> str:
    aws.call(
        "iam", "put_role_policy", RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return f"{inputs['role']}:{inputs['name']}"


def _read_policy(aws: Aws, identifier: str, state: Object) -> Object | None:
    role, _, name = identifier.partition(":")
    found = aws.find("iam", "get_role_policy", _MISSING, RoleName=role, PolicyName=name)
    if found is None:
        return None
    return {"role": role, "name": name, "policy": _document(found["PolicyDocument"])}


def _update_policy(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    _put_policy(aws, new)


def _delete_policy(aws: Aws, identifier: str, state: Object) -> None:
    role, _, name = identifier.partition(":")
    aws.find("iam", "delete_role_policy", _MISSING, RoleName=role, PolicyName=name)


ROLE_POLICY = ResourceType(
    token="aws:iam/rolePolicy:RolePolicy",
    source="hashicorp/terraform-provider-aws internal/service/iam/role_policy.go",
    properties={"name": REQUIRED_FIXED, "role": REQUIRED_FIXED, "policy": Property(required=True, json=True)},
    name="name",
    create=_put_policy, read=_read_policy, update=_update_policy, delete=_delete_policy,
)  # fmt: skip


def _attach(aws: Aws, inputs: Object) -> str:
    aws.call("iam", "attach_role_policy", RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}/{inputs['policyArn']}"


def _read_attachment(aws: Aws, identifier: str, state: Object) -> Object | None:
    role, _, arn = identifier.partition("/")
    found = aws.find("iam", "list_attached_role_policies", _MISSING, RoleName=role)
    attached = [one["PolicyArn"] for one in (found or {}).get("AttachedPolicies", [])]
    return {"role": role, "policyArn": arn} if arn in attached else None


def _detach(aws: Aws, identifier: str, state: Object) -> None:
    role, _, arn = identifier.partition("/")
    aws.find("iam", "detach_role_policy", _MISSING, RoleName=role, PolicyArn=arn)


ROLE_POLICY_ATTACHMENT = ResourceType(
    token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    source="hashicorp/terraform-provider-aws internal/service/iam/role_policy_attachment.go",
    properties={"role": REQUIRED_FIXED, "policyArn": REQUIRED_FIXED},
    create=_attach, read=_read_attachment, delete=_detach,
)  # fmt: skip


def _create_profile(aws: Aws, inputs: Object) -> str:
    given_ = {"Path": inputs["path"]} if "path" in inputs else {}
    made = aws.call(
        "iam", "create_instance_profile", InstanceProfileName=inputs["name"], Tags=tags.pairs(inputs.get("tags")),
        **given_,
    )  # fmt: skip
    return str(made["InstanceProfile"]["InstanceProfileName"])


def _configure_profile(aws: Aws, identifier: str, inputs: Object) -> None:
    if "role" in inputs and not _role_of_profile(aws, identifier):
        aws.call("iam", "add_role_to_instance_profile", InstanceProfileName=identifier, RoleName=inputs["role"])


def _find_profile(aws: Aws, identifier: str) -> Any:
    found = aws.find("iam", "get_instance_profile", _MISSING, InstanceProfileName=identifier)
    return found["InstanceProfile"] if found else None


def _role_of_profile(aws: Aws, identifier: str) -> str | None:
    found = _find_profile(aws, identifier) or {}
    return next((str(role["RoleName"]) for role in found.get("Roles", [])), None)


def _read_profile(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = _find_profile(aws, identifier)
    if found is None:
        return None
    return {
        "arn": found["Arn"],
        "name": found["InstanceProfileName"],
        "path": found["Path"],
        "uniqueId": found["InstanceProfileId"],
        "createDate": str(found["CreateDate"]),
        "role": _role_of_profile(aws, identifier),
        **tags.outputs(tags.mapping(found.get("Tags"))),
    }


def _update_profile(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    if old.get("role") != new.get("role"):
        if live := _role_of_profile(aws, identifier):
            aws.call("iam", "remove_role_from_instance_profile", InstanceProfileName=identifier, RoleName=live)
        _configure_profile(aws, identifier, new)
    put, gone = tags.changed(old, new)
    if gone:
        aws.call("iam", "untag_instance_profile", InstanceProfileName=identifier, TagKeys=gone)
    if put:
        aws.call("iam", "tag_instance_profile", InstanceProfileName=identifier, Tags=tags.pairs(put))


def _delete_profile(aws: Aws, identifier: str, state: Object) -> None:
    if live := _role_of_profile(aws, identifier):
        aws.call("iam", "remove_role_from_instance_profile", InstanceProfileName=identifier, RoleName=live)
    aws.find("iam", "delete_instance_profile", _MISSING, InstanceProfileName=identifier)


INSTANCE_PROFILE = ResourceType(
    token="aws:iam/instanceProfile:InstanceProfile",
    source="hashicorp/terraform-provider-aws internal/service/iam/instance_profile.go",
    properties={"name": REQUIRED_FIXED, "path": FIXED, "role": VALUE, "tags": VALUE},
    name="name",
    computed=frozenset({"arn", "createDate", "uniqueId", "tagsAll"}),
    create=_create_profile, read=_read_profile, update=_update_profile, delete=_delete_profile,
    configure=_configure_profile,
)  # fmt: skip

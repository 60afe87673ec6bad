"""An add-on of a cluster. moto has none: kept. Nothing is installed in the rehearsal's cluster."""

import json
from datetime import UTC, datetime
from typing import Any

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import JSON, LOCAL, REQUIRED, REQUIRED_FIXED, VALUE, Object, ResourceType, block
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.eks import shared

_KIND = "eks.addon"


def _parameters(inputs: Object, conflicts: str, operation: str) -> dict[str, Any]:
    given = {
        "clusterName": inputs["clusterName"],
        "addonName": inputs["addonName"],
        "addonVersion": inputs.get("addonVersion"),
        "configurationValues": inputs.get("configurationValues"),
        "serviceAccountRoleArn": inputs.get("serviceAccountRoleArn"),
        "podIdentityAssociations": inputs.get("podIdentityAssociations"),
        "resolveConflicts": inputs.get(conflicts),
    }
    if values := given["configurationValues"]:
        _require_json(values, operation)
    return {key: value for key, value in given.items() if value is not None}


def _require_json(values: str, operation: str) -> None:
    try:
        json.loads(values)
    except ValueError as error:
        raise refuse("InvalidParameterException", f"configurationValues is no JSON: {error}", operation) from error


def _require_roles(aws: Aws, inputs: Object, operation: str) -> None:
    for association in inputs.get("podIdentityAssociations") or ():
        shared.require_role(aws, association["roleArn"], "pods.eks.amazonaws.com", operation)


def _create(aws: Aws, inputs: Object) -> str:
    identifier = f"{inputs['clusterName']}:{inputs['addonName']}"
    shared.cluster(aws, inputs["clusterName"])
    _require_roles(aws, inputs, "CreateAddon")
    given = _parameters(inputs, "resolveConflictsOnCreate", "CreateAddon")
    with aws.keep("eks", "create_addon", **given, tags=inputs.get("tags") or {}) as kept:
        if kept.get(_KIND, identifier):
            raise refuse("ResourceInUseException", f"Addon already exists: {inputs['addonName']}", "CreateAddon")
        kept.put(_KIND, identifier, {**inputs, "at": datetime.now(UTC).isoformat()})
    return identifier


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    name, _, addon = identifier.partition(":")
    with aws.keep("eks", "describe_addon", clusterName=name, addonName=addon) as kept:
        record = kept.get(_KIND, identifier)
    if record is None:
        return None
    return {
        "clusterName": name,
        "addonName": addon,
        **{key: record.get(key) for key in _KEPT},
        "arn": shared.arn(aws, "addon", f"{name}/{addon}"),
        "createdAt": record["at"],
        "modifiedAt": record["at"],
        **tags.outputs(record.get("tags") or {}),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    _require_roles(aws, new, "UpdateAddon")
    with aws.keep("eks", "update_addon", **_parameters(new, "resolveConflictsOnUpdate", "UpdateAddon")) as kept:
        record = kept.get(_KIND, identifier)
        if record is None:
            raise refuse("ResourceNotFoundException", f"No addon: {identifier}", "UpdateAddon")
        kept.put(_KIND, identifier, {**new, "at": record["at"]})


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    name, _, addon = identifier.partition(":")
    with aws.keep("eks", "delete_addon", clusterName=name, addonName=addon) as kept:
        kept.remove(_KIND, identifier)


_KEPT = ("addonVersion", "configurationValues", "serviceAccountRoleArn", "podIdentityAssociations")

ADDON = ResourceType(
    token="aws:eks/addon:Addon",
    source="hashicorp/terraform-provider-aws internal/service/eks/addon.go",
    properties={
        "clusterName": REQUIRED_FIXED,
        "addonName": REQUIRED_FIXED,
        "addonVersion": VALUE,
        "configurationValues": JSON,
        "serviceAccountRoleArn": VALUE,
        "podIdentityAssociations": block(unordered=True, roleArn=REQUIRED, serviceAccount=REQUIRED),
        "resolveConflictsOnCreate": LOCAL,
        "resolveConflictsOnUpdate": LOCAL,
        "preserve": LOCAL,
        "tags": VALUE,
    },
    computed=frozenset({"arn", "createdAt", "modifiedAt", "tagsAll"}),
    delete_first=True,
    create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip

"""Who may use a cluster's API: access entries and the policies associated with them. moto has neither: kept."""

from slipway.local.plugins.aws import consistency
from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import FIXED, REQUIRED, REQUIRED_FIXED, SET, VALUE, Object, ResourceType, block
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.eks import shared

_ENTRY = "eks.access_entry"
_POLICY = consistency.ACCESS_POLICY


def _entry_key(inputs: Object) -> str:
    return f"{inputs['clusterName']}:{inputs['principalArn']}"


def _create_entry(aws: Aws, inputs: Object) -> str:
    key = _entry_key(inputs)
    shared.cluster(aws, inputs["clusterName"])
    given = {
        "kubernetesGroups": inputs.get("kubernetesGroups"),
        "type": inputs.get("type"),
        "username": inputs.get("userName"),
        "tags": inputs.get("tags"),
    }
    given = {name: value for name, value in given.items() if value is not None}
    with aws.keep(
        "eks", "create_access_entry", clusterName=inputs["clusterName"], principalArn=inputs["principalArn"], **given
    ) as kept:
        if kept.get(_ENTRY, key):
            raise refuse(
                "ResourceInUseException", f"The specified access entry resource is already in use: {key}",
                "CreateAccessEntry",
            )  # fmt: skip
        kept.put(_ENTRY, key, {**inputs, "at": consistency.now()})
    return key


def _read_entry(aws: Aws, identifier: str, state: Object) -> Object | None:
    name, _, principal = identifier.partition(":")
    with aws.keep("eks", "describe_access_entry", clusterName=name, principalArn=principal) as kept:
        record = kept.get(_ENTRY, identifier)
    if record is None:
        return None
    return {
        "clusterName": name,
        "principalArn": principal,
        "kubernetesGroups": record.get("kubernetesGroups") or [],
        "type": record.get("type", "STANDARD"),
        "userName": record.get("userName", principal),
        "accessEntryArn": shared.arn(aws, "access-entry", f"{name}/{principal.rpartition('/')[2]}"),
        "createdAt": record["at"],
        "modifiedAt": record["at"],
        **tags.outputs(record.get("tags") or {}),
    }


def _update_entry(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    name, _, principal = identifier.partition(":")
    groups = new.get("kubernetesGroups") or []
    with aws.keep(
        "eks", "update_access_entry", clusterName=name, principalArn=principal, kubernetesGroups=groups
    ) as kept:
        record = kept.get(_ENTRY, identifier)
        if record is None:
            raise refuse("ResourceNotFoundException", f"no access entry {identifier}", "UpdateAccessEntry")
        kept.put(_ENTRY, identifier, {**new, "at": record["at"]})


def _delete_entry(aws: Aws, identifier: str, state: Object) -> None:
    name, _, principal = identifier.partition(":")
    with aws.keep("eks", "delete_access_entry", clusterName=name, principalArn=principal) as kept:
        kept.remove(_ENTRY, identifier)
        for key in kept.all().get(_POLICY, {}):
            if key.startswith(f"{identifier}#"):
                kept.remove(_POLICY, key)


def _associate(aws: Aws, inputs: Object) -> str:
    entry, scope = _entry_key(inputs), inputs["accessScope"]
    identifier = f"{inputs['clusterName']}#{inputs['principalArn']}#{inputs['policyArn']}"
    with aws.keep(
        "eks", "associate_access_policy", clusterName=inputs["clusterName"], principalArn=inputs["principalArn"],
        policyArn=inputs["policyArn"], accessScope=scope,
    ) as kept:  # fmt: skip
        if kept.get(_ENTRY, entry) is None:
            raise refuse("ResourceNotFoundException", f"there is no access entry {entry}", "AssociateAccessPolicy")
        # AWS writes over an association that is there.
        kept.put(_POLICY, f"{entry}#{inputs['policyArn']}", {**inputs, "at": consistency.now()})
    return identifier


def _read_policy(aws: Aws, identifier: str, state: Object) -> Object | None:
    name, principal, policy = identifier.split("#")
    with aws.keep("eks", "list_associated_access_policies", clusterName=name, principalArn=principal) as kept:
        record = kept.get(_POLICY, f"{name}:{principal}#{policy}")
    if record is None:
        return None
    return {
        "clusterName": name,
        "principalArn": principal,
        "policyArn": policy,
        "accessScope": record["accessScope"],
        "associatedAt": record["at"],
        "modifiedAt": record["at"],
    }


def _disassociate(aws: Aws, identifier: str, state: Object) -> None:
    name, principal, policy = identifier.split("#")
    with aws.keep(
        "eks", "disassociate_access_policy", clusterName=name, principalArn=principal, policyArn=policy
    ) as kept:
        kept.remove(_POLICY, f"{name}:{principal}#{policy}")


ACCESS_ENTRY = ResourceType(
    token="aws:eks/accessEntry:AccessEntry",
    source="hashicorp/terraform-provider-aws internal/service/eks/access_entry.go",
    properties={
        "clusterName": REQUIRED_FIXED,
        "principalArn": REQUIRED_FIXED,
        "kubernetesGroups": SET,
        "type": FIXED,
        "userName": VALUE,
        "tags": VALUE,
    },
    computed=frozenset({"accessEntryArn", "createdAt", "modifiedAt", "tagsAll"}),
    delete_first=True,
    create=_create_entry, read=_read_entry, update=_update_entry, delete=_delete_entry,
)  # fmt: skip

ACCESS_POLICY_ASSOCIATION = ResourceType(
    token="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    source="hashicorp/terraform-provider-aws internal/service/eks/access_policy_association.go",
    properties={
        "clusterName": REQUIRED_FIXED,
        "principalArn": REQUIRED_FIXED,
        "policyArn": REQUIRED_FIXED,
        "accessScope": block(required=True, replaces=True, type=REQUIRED, namespaces=SET),
    },
    computed=frozenset({"associatedAt", "modifiedAt"}),
    delete_first=True,
    create=_associate, read=_read_policy, delete=_disassociate,
)  # fmt: skip

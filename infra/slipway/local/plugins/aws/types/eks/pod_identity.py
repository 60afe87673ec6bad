"""Which role the pods of a ServiceAccount have. moto has no such associations: kept."""

import hashlib

from slipway.local.plugins.aws import consistency
from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import REQUIRED, REQUIRED_FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.eks import shared

KIND = consistency.POD_IDENTITY
_ROLE_TRUSTS = "pods.eks.amazonaws.com"


def _identifier(inputs: Object) -> str:
    """AWS draws an id at random; this one follows from what the association is about, which AWS keeps unique too."""
    about = "/".join(inputs[key] for key in ("clusterName", "namespace", "serviceAccount"))
    return f"a-{hashlib.sha256(about.encode()).hexdigest()[:17]}"


def _create(aws: Aws, inputs: Object) -> str:
    name, identifier = inputs["clusterName"], _identifier(inputs)
    shared.cluster(aws, name)
    shared.require_role(aws, inputs["roleArn"], _ROLE_TRUSTS, "CreatePodIdentityAssociation")
    with aws.keep(
        "eks", "create_pod_identity_association", clusterName=name, namespace=inputs["namespace"],
        serviceAccount=inputs["serviceAccount"], roleArn=inputs["roleArn"], tags=inputs.get("tags") or {},
        **_optional(inputs),
    ) as kept:  # fmt: skip
        if kept.get(KIND, f"{name}:{identifier}"):
            raise refuse(
                "ResourceInUseException", f"Association already exists: {identifier}", "CreatePodIdentityAssociation"
            )
        kept.put(KIND, f"{name}:{identifier}", {**inputs, consistency.AT: consistency.now()})
    return identifier


def _optional(inputs: Object) -> Object:
    return {key: inputs[key] for key in ("disableSessionTags", "targetRoleArn") if key in inputs}


def _record(aws: Aws, identifier: str, state: Object) -> tuple[str, Object] | None:
    """The cluster's name and the record; an import names no cluster, so all are looked at."""
    for key, record in aws.kept.all().get(KIND, {}).items():
        name, _, found = key.partition(":")
        if found == identifier and state.get("clusterName", name) == name:
            return name, record
    return None


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    # An import names the cluster too.
    identifier = identifier.rpartition(",")[2]
    found = _record(aws, identifier, state)
    if found is None:
        return None
    name, record = found
    with aws.keep("eks", "describe_pod_identity_association", clusterName=name, associationId=identifier):
        pass
    return {
        **{key: record.get(key) for key in (*_PLAIN, "roleArn")},
        "clusterName": name,
        "associationId": identifier,
        "associationArn": shared.arn(aws, "podidentityassociation", f"{name}/{identifier}"),
        **tags.outputs(record.get("tags") or {}),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    shared.require_role(aws, new["roleArn"], _ROLE_TRUSTS, "UpdatePodIdentityAssociation")
    name, identifier = new["clusterName"], identifier.rpartition(",")[2]
    with aws.keep(
        "eks", "update_pod_identity_association", clusterName=name, associationId=identifier, roleArn=new["roleArn"],
        **_optional(new),
    ) as kept:  # fmt: skip
        if kept.get(KIND, f"{name}:{identifier}") is None:
            raise refuse("ResourceNotFoundException", f"no association {identifier}", "UpdatePodIdentityAssociation")
        kept.put(KIND, f"{name}:{identifier}", {**new, consistency.AT: consistency.now()})


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    name, identifier = state["clusterName"], identifier.rpartition(",")[2]
    with aws.keep("eks", "delete_pod_identity_association", clusterName=name, associationId=identifier) as kept:
        kept.remove(KIND, f"{name}:{identifier}")


_PLAIN = ("namespace", "serviceAccount", "disableSessionTags", "targetRoleArn")

POD_IDENTITY_ASSOCIATION = ResourceType(
    token="aws:eks/podIdentityAssociation:PodIdentityAssociation",
    source="hashicorp/terraform-provider-aws internal/service/eks/pod_identity_association.go",
    properties={
        "clusterName": REQUIRED_FIXED,
        "namespace": REQUIRED_FIXED,
        "serviceAccount": REQUIRED_FIXED,
        "roleArn": REQUIRED,
        "disableSessionTags": VALUE,
        "targetRoleArn": VALUE,
        "tags": VALUE,
    },
    computed=frozenset({"associationArn", "associationId", "tagsAll"}),
    delete_first=True,
    create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip

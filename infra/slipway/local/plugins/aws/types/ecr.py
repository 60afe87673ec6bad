"""Repositories of images, and how long they keep them."""

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import (
    FIXED,
    LOCAL,
    REQUIRED_FIXED,
    VALUE,
    Object,
    Property,
    ResourceType,
    block,
)
from slipway.local.plugins.aws.types import kms, tags

_MISSING = ("RepositoryNotFoundException",)
_NO_POLICY = ("LifecyclePolicyNotFoundException", *_MISSING)


def _create(aws: Aws, inputs: Object) -> str:
    given: Object = {"repositoryName": inputs["name"], "tags": tags.pairs(inputs.get("tags"))}
    if "imageTagMutability" in inputs:
        given["imageTagMutability"] = inputs["imageTagMutability"]
    if scanning := inputs.get("imageScanningConfiguration"):
        given["imageScanningConfiguration"] = {"scanOnPush": scanning["scanOnPush"]}
    for encryption in inputs.get("encryptionConfigurations") or ():
        given["encryptionConfiguration"] = {
            "encryptionType": encryption.get("encryptionType", "AES256"),
            **({"kmsKey": encryption["kmsKey"]} if "kmsKey" in encryption else {}),
        }
        if "kmsKey" in encryption:
            kms.require_key(aws, encryption["kmsKey"], "CreateRepository")
    return str(aws.call("ecr", "create_repository", **given)["repository"]["repositoryName"])


def _read(aws: Aws, name: str, state: Object) -> Object | None:
    found = aws.find("ecr", "describe_repositories", _MISSING, repositoryNames=[name])
    if found is None:
        return None
    live = found["repositories"][0]
    listed = aws.call("ecr", "list_tags_for_resource", resourceArn=live["repositoryArn"])["tags"]
    return {
        "name": name,
        "imageTagMutability": live["imageTagMutability"],
        "imageScanningConfiguration": live.get("imageScanningConfiguration"),
        "encryptionConfigurations": [live["encryptionConfiguration"]],
        "forceDelete": state.get("forceDelete"),
        "arn": live["repositoryArn"],
        "registryId": live["registryId"],
        "repositoryUrl": live["repositoryUri"],
        **tags.outputs(tags.mapping(listed)),
    }


def _update(aws: Aws, name: str, old: Object, new: Object) -> None:
    if old.get("imageTagMutability") != new.get("imageTagMutability"):
        mutability = new.get("imageTagMutability", "MUTABLE")
        aws.call("ecr", "put_image_tag_mutability", repositoryName=name, imageTagMutability=mutability)
    if old.get("imageScanningConfiguration") != new.get("imageScanningConfiguration"):
        scanning = new.get("imageScanningConfiguration") or {"scanOnPush": False}
        aws.call("ecr", "put_image_scanning_configuration", repositoryName=name, imageScanningConfiguration=scanning)
    put, off = tags.changed(old, new)
    if put or off:
        arn = aws.call("ecr", "describe_repositories", repositoryNames=[name])["repositories"][0]["repositoryArn"]
        if off:
            aws.call("ecr", "untag_resource", resourceArn=arn, tagKeys=off)
        if put:
            aws.call("ecr", "tag_resource", resourceArn=arn, tags=tags.pairs(put))


def _delete(aws: Aws, name: str, state: Object) -> None:
    force = bool(state.get("forceDelete"))
    aws.find("ecr", "delete_repository", _MISSING, repositoryName=name, force=force)


def _put_policy(aws: Aws, inputs: Object) -> str:
    answer = aws.call(
        "ecr", "put_lifecycle_policy", repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"]
    )
    return str(answer["repositoryName"])


def _read_policy(aws: Aws, name: str, state: Object) -> Object | None:
    found = aws.find("ecr", "get_lifecycle_policy", _NO_POLICY, repositoryName=name)
    if found is None:
        return None
    return {"repository": name, "policy": found["lifecyclePolicyText"], "registryId": found["registryId"]}


def _delete_policy(aws: Aws, name: str, state: Object) -> None:
    aws.find("ecr", "delete_lifecycle_policy", _NO_POLICY, repositoryName=name)


REPOSITORY = ResourceType(
    token="aws:ecr/repository:Repository",
    source="hashicorp/terraform-provider-aws internal/service/ecr/repository.go",
    properties={
        "name": FIXED,
        "imageTagMutability": VALUE,
        "imageScanningConfiguration": block(scanOnPush=Property(required=True)),
        "encryptionConfigurations": block(replaces=True, encryptionType=VALUE, kmsKey=VALUE),
        "forceDelete": LOCAL,
        "tags": VALUE,
    },
    computed=frozenset({"arn", "registryId", "repositoryUrl", "tagsAll"}),
    name="name", create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip

LIFECYCLE_POLICY = ResourceType(
    token="aws:ecr/lifecyclePolicy:LifecyclePolicy",
    source="hashicorp/terraform-provider-aws internal/service/ecr/lifecycle_policy.go",
    properties={"repository": REQUIRED_FIXED, "policy": Property(required=True, replaces=True, json=True)},
    computed=frozenset({"registryId"}),
    delete_first=True, create=_put_policy, read=_read_policy, delete=_delete_policy,
)  # fmt: skip

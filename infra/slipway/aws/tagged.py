"""List what an account has with an environment's tag."""

from dataclasses import dataclass

from slipway.aws.account import Account
from slipway.values.names import ENVIRONMENT_TAG


@dataclass(frozen=True)
class Tagged:
    """An object of the account that carries an environment's tag."""

    arn: str
    name: str


def tagged(account: Account, environment: str) -> list[Tagged]:
    """Everything with the environment's tag that is not deleted already, sorted.

    AWS goes on listing what was deleted: a NAT gateway for an hour, a key until its waiting time is over.
    """
    filters = [{"Key": ENVIRONMENT_TAG, "Values": [environment]}]
    found = account.call("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
    listed = (
        Tagged(item["ResourceARN"], {tag["Key"]: tag["Value"] for tag in item["Tags"]}.get("Name", ""))
        for item in found.get("ResourceTagMappingList", [])
    )
    return sorted((item for item in listed if not is_deleted(account, item.arn)), key=lambda item: item.arn)


def is_deleted(account: Account, arn: str) -> bool:
    """Whether AWS only has not forgotten it yet."""
    service, kind, name = parts(arn)
    if (service, kind) == ("kms", "key"):
        state = account.call("kms", "describe_key", KeyId=arn)["KeyMetadata"]["KeyState"]
        return bool(state == "PendingDeletion")
    if (service, kind) == ("ec2", "natgateway"):
        filters = [{"Name": "nat-gateway-id", "Values": [name]}]
        found = account.call("ec2", "describe_nat_gateways", Filter=filters)["NatGateways"]
        return all(gateway["State"] == "deleted" for gateway in found)
    if (service, kind) == ("ec2", "instance"):
        filters = [{"Name": "instance-id", "Values": [name]}]
        found = account.call("ec2", "describe_instances", Filters=filters)["Reservations"]
        return all(one["State"]["Name"] == "terminated" for group in found for one in group["Instances"])
    return False


def parts(arn: str) -> tuple[str, str, str]:
    """`arn:aws:ec2:eu-central-1:123456789012:natgateway/nat-1` gives `ec2`, `natgateway`, `nat-1`."""
    service, rest = arn.split(":", 5)[2], arn.split(":", 5)[5]
    kind, _, name = rest.partition("/")
    return service, kind, name

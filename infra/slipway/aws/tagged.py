"""List what an account has of an environment: by its tag, and by name what may have lost or never had one."""

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.aws.account import Account
from slipway.aws.existing import is_gone
from slipway.values import names
from slipway.values.names import ENVIRONMENT_TAG


@dataclass(frozen=True)
class Tagged:
    """An object of the account that carries an environment's tag, or its name."""

    arn: str
    name: str


def tagged(account: Account, environment: str) -> list[Tagged]:
    """Everything with the environment's tag that is not gone already, sorted.

    AWS goes on listing what was deleted: a NAT gateway for an hour, a key until its waiting time is over, disks and
    network interfaces for a while. So each is asked for by itself.
    """
    filters = [{"Key": ENVIRONMENT_TAG, "Values": [environment]}]
    found = account.call("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
    listed = (
        Tagged(item["ResourceARN"], {tag["Key"]: tag["Value"] for tag in item["Tags"]}.get("Name", ""))
        for item in found.get("ResourceTagMappingList", [])
    )
    return sorted((item for item in listed if not is_gone(account, item.arn)), key=lambda item: item.arn)


def left_of(account: Account, environment: str) -> list[Tagged]:
    """Everything that is left of an environment, sorted: what has its tag, its roles, and its groups of logs.

    IAM is not asked by tag, and a group that AWS made by itself has none.
    """
    found = [*tagged(account, environment), *_roles(account, environment), *_log_groups(account, environment)]
    return sorted({item.arn: item for item in found}.values(), key=lambda item: item.arn)


def _roles(account: Account, environment: str) -> Iterator[Tagged]:
    prefix = names.role(environment, "")
    for role in account.call("iam", "list_roles")["Roles"]:
        if role["RoleName"].startswith(prefix):
            # Of `prod` and `prod-eu` one's names begin as the other's.
            found = account.find("iam", "get_role", ("NoSuchEntity",), RoleName=role["RoleName"])
            tags = {tag["Key"]: tag["Value"] for tag in found["Role"].get("Tags", [])} if found else {}
            if found and tags.get(ENVIRONMENT_TAG, environment) == environment:
                yield Tagged(role["Arn"], role["RoleName"])


def _log_groups(account: Account, environment: str) -> Iterator[Tagged]:
    for prefix in names.log_groups(environment):
        for group in account.call("logs", "describe_log_groups", logGroupNamePrefix=prefix)["logGroups"]:
            yield Tagged(group["arn"].removesuffix(":*"), "")

"""Take an environment on AWS down to nothing: what AWS makes again by itself, and what it is slow to let go of."""

from collections.abc import Collection

from slipway.aws.account import Account
from slipway.aws.tagged import Tagged, left_of
from slipway.errors.failures import LeftBehind
from slipway.settings.aws_operation import LOG_TYPES
from slipway.values import names
from slipway.values.aliases import Tell
from slipway.values.names import ENVIRONMENT_TAG
from slipway.values.waiting import Waiting

_MISSING = ("ResourceNotFoundException",)
LOGGING = Waiting(limit_s=600.0)
"""EKS takes minutes for a change of a control plane."""
SETTLING = Waiting(limit_s=300.0, poll_s=10.0)
"""For so long AWS may still show, or hold, what it was told to delete."""


def stop_logging(account: Account, environment: str, tell: Tell, waiting: Waiting = LOGGING) -> None:
    """Switch the logs of the control plane off, and wait until they are; nothing where there is no cluster.

    EKS would make the group of a cluster that still logs again after it was deleted, without tags, key or retention
    (terraform-aws-modules/terraform-aws-eks, issue 2763). Raises `LeftBehind` when it takes too long.
    """
    name = names.cluster(environment)
    asked = False
    for last in waiting.looks():
        found = account.find("eks", "describe_cluster", _MISSING, name=name)
        if found is None:
            return
        cluster = found["cluster"]
        logs = any(setup["enabled"] and setup["types"] for setup in cluster["logging"]["clusterLogging"])
        if cluster["status"] == "DELETING" or (not logs and cluster["status"] != "UPDATING"):
            return
        if last:
            raise LeftBehind(
                environment,
                [f"cluster {name}, which is {cluster['status']} and still writes logs"],
                "see in the console what EKS waits for, then run the command again",
            )
        # A cluster takes one change at a time: one that is under way is waited for first.
        if logs and not asked and cluster["status"] != "UPDATING":
            tell("switching the logs of the control plane off")
            off = {"clusterLogging": [{"types": list(LOG_TYPES), "enabled": False}]}
            account.call("eks", "update_cluster_config", name=name, logging=off)
            asked = True


def made_again(account: Account, environment: str) -> str | None:
    """The group of the control plane's logs, where AWS made it: it has no tag of the environment; else None."""
    name = names.control_plane_logs(environment)
    listed = account.call("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
    for group in listed:
        if group["logGroupName"] == name:
            arn = group["arn"].removesuffix(":*")
            found = account.find("logs", "list_tags_for_resource", _MISSING, resourceArn=arn)
            return name if found is not None and ENVIRONMENT_TAG not in found.get("tags", {}) else None
    return None


def sweep_interfaces(account: Account, vpc: str, tell: Tell) -> int:
    """Delete the network interfaces of pods whose nodes are gone, which hold subnets and groups; returns how many.

    The VPC CNI makes them (`aws-K8S-*`) and cannot take them back once its node has ended. Those in use are left.
    """
    filters = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "status", "Values": ["available"]},
        {"Name": "description", "Values": ["aws-K8S-*"]},
    ]
    found = account.call("ec2", "describe_network_interfaces", Filters=filters)["NetworkInterfaces"]
    for interface in found:
        name = interface["NetworkInterfaceId"]
        tell(f"deleting network interface {name}, which a node left behind")
        account.find("ec2", "delete_network_interface", ("InvalidNetworkInterfaceID",), NetworkInterfaceId=name)
    return len(found)


def settled(
    account: Account, environment: str, kept: Collection[str], tell: Tell, waiting: Waiting = SETTLING
) -> list[Tagged]:
    """What is left once AWS had time to let go; `kept`: ARNs of what was to stay, which nobody waits for.

    A group of logs that AWS made again is deleted as often as it is found.
    """
    left: list[Tagged] = []
    for _ in waiting.looks():
        if group := made_again(account, environment):
            tell(f"deleting log group {group}, which AWS made again")
            account.find("logs", "delete_log_group", _MISSING, logGroupName=group)
        left = left_of(account, environment)
        slow = [item for item in left if item.arn not in kept]
        if not slow:
            break
        tell(f"waiting until AWS lets go of {len(slow)} objects, {slow[0].arn} among them")
    return left

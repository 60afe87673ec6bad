"""Say what is in moto's account, so that what a rehearsal leaves can be told from what was there before."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.aws.backend import KEPT
from slipway.rehearsal.kubernetes_provider import KIND as RELEASES
from slipway.rehearsal.stage import Stage

_GONE = ("deleted", "deleting", "PendingDeletion")


@dataclass(frozen=True)
class _Listing:
    """How to list one kind of thing: a call, the key of its items, and the key of an item's name."""

    service: str
    operation: str
    items: str
    name: str
    parameters: Mapping[str, Any]
    alive: Callable[[Mapping[str, Any]], bool] = lambda _: True


def _listing(service: str, operation: str, items: str, name: str, **parameters: Any) -> _Listing:
    return _Listing(service, operation, items, name, parameters, lambda item: item.get("State") not in _GONE)


# Network interfaces are left out: moto makes them for gateways and endpoints, and forgets to take them away.
_LISTINGS = (
    _listing("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    _listing("ec2", "describe_subnets", "Subnets", "SubnetId"),
    _listing("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    _listing("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    _listing("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    _listing("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    _listing("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    _listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    _listing("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    _listing("events", "list_rules", "Rules", "Name"),
    _listing("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    _listing("sqs", "list_queues", "QueueUrls", ""),
    _listing("iam", "list_roles", "Roles", "RoleName"),
    _listing("iam", "list_policies", "Policies", "Arn", Scope="Local"),
    _listing("eks", "list_clusters", "clusters", ""),
    _listing("ecr", "describe_repositories", "repositories", "repositoryName"),
    _listing("s3", "list_buckets", "Buckets", "Name"),
    _listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    _listing("kms", "list_aliases", "Aliases", "AliasName"),
    _listing("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    _listing("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    _listing("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
)


def account(stage: Stage) -> set[str]:
    """Everything in the account, as `service kind name`; keys and gateways that wait for their end are passed over."""
    return {*_listed(stage), *_keys(stage), *_budgets(stage), *_kept(stage)}


def _listed(stage: Stage) -> Iterator[str]:
    backend = stage.backend
    for listing in _LISTINGS:
        client = backend.client(listing.service, stage.region)
        if client.can_paginate(listing.operation):
            found = client.get_paginator(listing.operation).paginate(**listing.parameters).build_full_result()
        else:
            found = getattr(client, listing.operation)(**listing.parameters)
        for item in found.get(listing.items, []):
            if isinstance(item, str):
                yield f"{listing.service} {listing.items} {item}"
            elif listing.alive(item):
                yield f"{listing.service} {listing.items} {item[listing.name]}"


def _keys(stage: Stage) -> Iterator[str]:
    """AWS never deletes a key at once: it waits for days, in which it costs nothing and can be had back."""
    client = stage.backend.client("kms", stage.region)
    for key in client.list_keys()["Keys"]:
        if client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] not in _GONE:
            yield f"kms key {key['KeyId']}"


def _budgets(stage: Stage) -> Iterator[str]:
    found = stage.backend.client("budgets", stage.region).describe_budgets(AccountId=stage.account)
    for budget in found.get("Budgets", []):
        yield f"budgets budget {budget['BudgetName']}"


def _kept(stage: Stage) -> Iterator[str]:
    """What the stand-ins themselves keep."""
    for file in (stage.aws / KEPT, stage.releases):
        records = json.loads(file.read_text()) if file.exists() else {}
        for kind, found in records.items():
            for key in found:
                yield f"{kind} {key}"


def releases(stage: Stage) -> list[str]:
    """The Helm releases that are kept."""
    records = json.loads(stage.releases.read_text()) if stage.releases.exists() else {}
    return sorted(records.get(RELEASES, {}))

"""Ask CloudWatch what of an environment is charged by the gigabyte: what passed its NAT gateways, and its logs."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from slipway.aws.account import Account
from slipway.environments.running.protocol import Metered
from slipway.errors.failures import AwsRefused
from slipway.values import names

_DAY_S = 24 * 3600
_DAYS = 7
_MONTH_S = 730 * 3600
_NAT_BYTES = ("BytesOutToDestination", "BytesInFromDestination")
"""What a gateway is charged for, whichever way it goes (Amazon VPC User Guide, "Monitor NAT gateways")."""


def metered(account: Account, environment: str) -> Metered:
    """What the last days came to, as bytes a month; what cannot be asked, or nobody counted yet, is None."""
    cluster = names.cluster(environment)
    said: list[str] = []
    control_plane = _asked(account, said, "logs of the control plane", [_log(f"/aws/eks/{cluster}/cluster")])
    flow_logs = _asked(account, said, "flow logs", [_log(f"/slipway/{cluster}/flow-logs")])
    return Metered(_nat(account, environment, said), control_plane, flow_logs, tuple(said))


def _nat(account: Account, environment: str, said: list[str]) -> Fraction | None:
    tagged = [{"Name": f"tag:{names.ENVIRONMENT_TAG}", "Values": [environment]}]
    try:
        gateways = account.call("ec2", "describe_nat_gateways", Filters=tagged)["NatGateways"]
    except AwsRefused as error:
        said.append(f"traffic through NAT gateways: {error}")
        return None
    ids = [gateway["NatGatewayId"] for gateway in gateways]
    metrics = [("AWS/NATGateway", metric, "NatGatewayId", one) for one in ids for metric in _NAT_BYTES]
    return _asked(account, said, "traffic through NAT gateways", metrics)


def _log(group: str) -> tuple[str, str, str, str]:
    return ("AWS/Logs", "IncomingBytes", "LogGroupName", group)


def _asked(
    account: Account, said: list[str], what: str, metrics: Iterable[tuple[str, str, str, str]]
) -> Fraction | None:
    """Bytes a month of all metrics together, by the days that there are; why there is none goes to `said`."""
    now = datetime.now(UTC)
    found: list[Fraction] = []
    try:
        for namespace, metric, dimension, value in metrics:
            days = account.call(
                "cloudwatch",
                "get_metric_statistics",
                Namespace=namespace,
                MetricName=metric,
                Dimensions=[{"Name": dimension, "Value": value}],
                StartTime=now - timedelta(days=_DAYS),
                EndTime=now,
                Period=_DAY_S,
                Statistics=["Sum"],
            )["Datapoints"]
            if days:
                found.append(sum((Fraction(day["Sum"]) for day in days), Fraction(0)) / len(days))
    except AwsRefused as error:
        said.append(f"{what}: {error}")
        return None
    if not found:
        said.append(f"{what}: CloudWatch has counted nothing in the last {_DAYS} days")
        return None
    return sum(found, Fraction(0)) * _MONTH_S / _DAY_S

"""What an account counted by the gigabyte becomes a month; what it did not count, or does not tell, is unknown."""

from fractions import Fraction
from typing import Any

from slipway.environments.running.aws_metered import metered
from slipway.errors.failures import AwsRefused

GATEWAYS = [{"NatGatewayId": "nat-1"}, {"NatGatewayId": "nat-2"}]


class FakeAccount:
    """An account whose CloudWatch has some days of some metrics, or refuses a service."""

    def __init__(self, counted: dict[str, list[float]], refuses: str = "") -> None:
        self.counted, self.refuses = counted, refuses

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        if service == self.refuses:
            raise AwsRefused(service, operation, "not authorized")
        if service == "ec2":
            assert parameters["Filters"] == [{"Name": "tag:slipway:environment", "Values": ["prod"]}]
            return {"NatGateways": GATEWAYS}
        assert operation == "get_metric_statistics"
        (dimension,) = parameters["Dimensions"]
        days = self.counted.get(f"{parameters['MetricName']} {dimension['Value']}", [])
        return {"Datapoints": [{"Sum": day} for day in days]}


def test_days_become_a_month_of_all_gateways_in_both_directions() -> None:
    account = FakeAccount(
        {
            "BytesOutToDestination nat-1": [24.0, 48.0],
            "BytesInFromDestination nat-1": [12.0],
            "BytesOutToDestination nat-2": [24.0] * 7,
            "IncomingBytes /aws/eks/slipway-prod/cluster": [240.0],
            "IncomingBytes /slipway/slipway-prod/flow-logs": [0.0, 0.0],
        }
    )
    found = metered(account, "prod")  # type: ignore[arg-type]
    # A day's mean of 36 + 12 + 24 bytes, and a month of 730 hours.
    assert found.nat == Fraction(72 * 730, 24)
    assert found.control_plane_logs == 7300
    assert found.flow_logs == 0
    assert found.unmeasured == ()


def test_what_nobody_counted_is_unknown_and_not_nothing() -> None:
    found = metered(FakeAccount({}), "prod")  # type: ignore[arg-type]
    assert (found.nat, found.control_plane_logs, found.flow_logs) == (None, None, None)
    assert "flow logs: CloudWatch has counted nothing in the last 7 days" in found.unmeasured


def test_an_account_that_does_not_tell_is_quoted() -> None:
    counted = {"IncomingBytes /aws/eks/slipway-prod/cluster": [1.0]}
    found = metered(FakeAccount(counted, refuses="ec2"), "prod")  # type: ignore[arg-type]
    assert (found.nat, found.control_plane_logs) == (None, Fraction(730, 24))
    assert any("traffic through NAT gateways" in why and "not authorized" in why for why in found.unmeasured)
    silent = metered(FakeAccount(counted, refuses="cloudwatch"), "prod")  # type: ignore[arg-type]
    assert silent.control_plane_logs is None
    assert len(silent.unmeasured) == 3

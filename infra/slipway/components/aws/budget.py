"""What an environment may cost a month, and who is told before it does."""

from dataclasses import dataclass

import pulumi
from pulumi_aws.budgets import Budget, BudgetCostFilterArgs, BudgetNotificationArgs

from slipway.components.aws.scope import AwsScope
from slipway.values import names

_WARN_PERCENT = 80
_FULL_PERCENT = 100


@dataclass(frozen=True)
class BudgetArgs:
    """`monthly_usd`: US dollars. `alarm`: e-mail address."""

    scope: AwsScope
    monthly_usd: int
    alarm: str


class EnvironmentBudget(pulumi.ComponentResource):
    """A budget over everything that carries the environment's tag.

    AWS counts by a tag only after somebody activated it as a cost allocation tag in the account's billing console.
    """

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:EnvironmentBudget", name, None, opts)
        Budget(
            f"{args.scope.environment}-budget",
            name=names.cluster(args.scope.environment),
            account_id=args.scope.account,
            budget_type="COST",
            limit_amount=str(args.monthly_usd),
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[
                BudgetCostFilterArgs(
                    name="TagKeyValue", values=[f"user:{names.ENVIRONMENT_TAG}${args.scope.environment}"]
                )
            ],
            notifications=[
                _notification("ACTUAL", _WARN_PERCENT, args.alarm),
                _notification("ACTUAL", _FULL_PERCENT, args.alarm),
                _notification("FORECASTED", _FULL_PERCENT, args.alarm),
            ],
            tags={**args.scope.tags, "Name": names.cluster(args.scope.environment)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _notification(kind: str, percent: int, address: str) -> BudgetNotificationArgs:
    return BudgetNotificationArgs(
        notification_type=kind,
        comparison_operator="GREATER_THAN",
        threshold=percent,
        threshold_type="PERCENTAGE",
        subscriber_email_addresses=[address],
    )

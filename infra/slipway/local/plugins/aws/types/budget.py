"""A budget and its alarms. moto keeps the budget; alarms with their addressees, tags and changes are kept here."""

from typing import Any

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import FIXED, REQUIRED, VALUE, Object, ResourceType, block
from slipway.local.plugins.aws.types import tags

_KIND = "budgets.budget"
_MISSING = ("NotFoundException",)


def _create(aws: Aws, inputs: Object) -> str:
    account = inputs.get("accountId") or aws.account
    aws.call(
        "budgets", "create_budget", AccountId=account, Budget=_budget(inputs),
        NotificationsWithSubscribers=[_notification(one) for one in inputs.get("notifications") or ()],
        ResourceTags=tags.pairs(inputs.get("tags")),
    )  # fmt: skip
    return f"{account}:{inputs['name']}"


def _budget(inputs: Object) -> Object:
    given: Object = {
        "BudgetName": inputs["name"],
        "BudgetType": inputs["budgetType"],
        "TimeUnit": inputs["timeUnit"],
        "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
    }
    if filters := inputs.get("costFilters"):
        given["CostFilters"] = {one["name"]: one["values"] for one in filters}
    return given


def _notification(given: Object) -> Object:
    addresses = [("EMAIL", address) for address in given.get("subscriberEmailAddresses") or ()]
    addresses += [("SNS", topic) for topic in given.get("subscriberSnsTopicArns") or ()]
    return {
        "Notification": {
            "NotificationType": given["notificationType"],
            "ComparisonOperator": given["comparisonOperator"],
            "Threshold": given["threshold"],
            "ThresholdType": given["thresholdType"],
        },
        "Subscribers": [{"SubscriptionType": kind, "Address": address} for kind, address in addresses],
    }


def _configure(aws: Aws, identifier: str, inputs: Object) -> None:
    aws.kept.put(_KIND, identifier, inputs)


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    account, _, name = identifier.partition(":")
    found = aws.find("budgets", "describe_budget", _MISSING, AccountId=account, BudgetName=name)
    if found is None:
        return None
    live: Any = found["Budget"]
    filters = [{"name": key, "values": values} for key, values in (live.get("CostFilters") or {}).items()]
    record = aws.kept.get(_KIND, identifier) or {}
    return {
        "budgetType": live["BudgetType"],
        "timeUnit": live["TimeUnit"],
        "limitAmount": live["BudgetLimit"]["Amount"],
        "limitUnit": live["BudgetLimit"]["Unit"],
        "costFilters": filters,
        **record,
        "name": name,
        "accountId": account,
        "arn": f"arn:aws:budgets::{account}:budget/{name}",
        **tags.outputs(record.get("tags") or {}),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    account, _, name = identifier.partition(":")
    with aws.keep("budgets", "update_budget", AccountId=account, NewBudget=_budget(new)) as kept:
        kept.put(_KIND, identifier, {**new, "notifications": old.get("notifications"), "tags": old.get("tags")})
    about = {"AccountId": account, "BudgetName": name}
    before, after = ([_notification(one) for one in inputs.get("notifications") or ()] for inputs in (old, new))
    for one in before:
        if one not in after:
            aws.call("budgets", "delete_notification", **about, Notification=one["Notification"])
    for one in after:
        if one not in before:
            aws.call("budgets", "create_notification", **about, **one)
    put, off = tags.changed(old, new)
    if put or off:
        arn = f"arn:aws:budgets::{account}:budget/{name}"
        with aws.keep("budgets", "tag_resource", ResourceARN=arn, ResourceTags=tags.pairs(new.get("tags"))):
            pass
    aws.kept.put(_KIND, identifier, new)


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    account, _, name = identifier.partition(":")
    aws.find("budgets", "delete_budget", _MISSING, AccountId=account, BudgetName=name)
    aws.kept.remove(_KIND, identifier)


_NOTIFICATION = block(
    unordered=True, comparisonOperator=REQUIRED, notificationType=REQUIRED, threshold=REQUIRED, thresholdType=REQUIRED,
    subscriberEmailAddresses=VALUE, subscriberSnsTopicArns=VALUE,
)  # fmt: skip

BUDGET = ResourceType(
    token="aws:budgets/budget:Budget",
    source="hashicorp/terraform-provider-aws internal/service/budgets/budget.go",
    properties={
        "name": FIXED,
        "accountId": FIXED,
        "budgetType": REQUIRED,
        "timeUnit": REQUIRED,
        "limitAmount": REQUIRED,
        "limitUnit": REQUIRED,
        "costFilters": block(unordered=True, name=REQUIRED, values=REQUIRED),
        "notifications": _NOTIFICATION,
        "tags": VALUE,
    },
    computed=frozenset({"arn", "tagsAll"}),
    name="name", create=_create, configure=_configure, read=_read, update=_update, delete=_delete,
)  # fmt: skip

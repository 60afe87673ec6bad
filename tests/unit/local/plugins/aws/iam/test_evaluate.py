"""The evaluator decides as the examples of Amazon's IAM User Guide say that IAM does."""

from typing import Any

import pytest

from slipway.local.plugins.aws.iam.conditions import PolicyError, holds
from slipway.local.plugins.aws.iam.evaluate import Decision, Request, decide

TABLE = "arn:aws:dynamodb:us-east-2:123456789012:table/books"
TOPIC = "arn:aws:sns:us-east-2:123456789012:Topic"


def allow(action: Any = "*", resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    statement = {"Sid": effect, "Effect": effect, "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": statement}


def test_what_nothing_allows_is_refused() -> None:
    assert decide([], Request("s3:GetObject")) == Decision(allowed=False)


def test_a_deny_wins_whatever_the_order() -> None:
    request = Request("s3:DeleteBucket", "arn:aws:s3:::b")
    policies = [allow("s3:*"), allow("s3:Delete*", effect="Deny")]
    assert decide(policies, request) == decide(policies[::-1], request) == Decision(allowed=False, sid="Deny")
    assert decide(policies, Request("s3:GetObject", "arn:aws:s3:::b/k")).allowed


# IAM User Guide, "IAM JSON policy elements: Action": case does not matter, `*` and `?` anywhere after the prefix.
@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("iam:*AccessKey*", True),
        ("iam:createaccesskey", True),
        ("iam:CreateAccessKe?", True),
        ("iam:Create", False),
        ("*", True),
    ],
)
def test_actions_match_by_pattern(pattern: str, allowed: bool) -> None:
    assert decide([allow(pattern)], Request("iam:CreateAccessKey")).allowed is allowed


# IAM User Guide, "IAM JSON policy elements: Resource".
@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("arn:aws:dynamodb:us-east-2:123456789012:table/*", True),
        ("arn:aws:dynamodb:*:123456789012:table/book?", True),
        ("arn:aws:dynamodb:us-east-2:999999999999:table/*", False),
        ("arn:aws:dynamodb:us-east-2:123456789012:index/*", False),
    ],
)
def test_resources_match_part_by_part(pattern: str, allowed: bool) -> None:
    assert decide([allow(resource=pattern)], Request("dynamodb:GetItem", TABLE)).allowed is allowed


def test_an_action_without_resources_needs_the_star() -> None:
    assert not decide([allow(resource="arn:aws:ec2:*:*:vpc/*")], Request("ec2:DescribeVpcs")).allowed
    assert decide([allow()], Request("ec2:DescribeVpcs")).allowed


# IAM User Guide, "IAM JSON policy elements: NotAction": all but IAM.
def test_not_action_and_not_resource_are_all_the_others() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}
    policy = {"Statement": [statement]}
    assert decide([policy], Request("s3:GetObject", "arn:aws:s3:::open/k")).allowed
    assert not decide([policy], Request("s3:GetObject", "arn:aws:s3:::secret/k")).allowed
    assert not decide([policy], Request("iam:CreateUser", "arn:aws:iam::1:user/a")).allowed


# IAM User Guide, "IAM policy elements: Variables and tags": everybody has a folder of their own name.
def test_a_variable_stands_for_the_request_and_matches_nothing_without_it() -> None:
    policy = allow("s3:GetObject", "arn:aws:s3:::bucket/${aws:username}/*")
    key = "arn:aws:s3:::bucket/jane/key"
    assert decide([policy], Request("s3:GetObject", key, {"aws:username": ("jane",)})).allowed
    assert not decide([policy], Request("s3:GetObject", key, {"aws:username": ("joe",)})).allowed
    assert not decide([policy], Request("s3:GetObject", key)).allowed
    named = allow("s3:GetObject", "arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'company-wide'}/*")
    assert decide([named], Request("s3:GetObject", "arn:aws:s3:::bucket/company-wide/key")).allowed


# IAM User Guide, "IAM JSON policy elements: Condition operators".
@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ({"StringEquals": {"aws:PrincipalTag/job": "iamuser-admin"}}, ["iamuser-admin"], True),
        ({"StringEquals": {"aws:PrincipalTag/job": "iamuser-admin"}}, ["Iamuser-admin"], False),
        ({"StringEquals": {"aws:PrincipalTag/job": "iamuser-admin"}}, None, False),
        ({"StringEqualsIgnoreCase": {"aws:PrincipalTag/job": "iamuser-admin"}}, ["Iamuser-Admin"], True),
        ({"StringNotEquals": {"aws:PrincipalTag/job": ["a", "b"]}}, ["b"], False),
        ({"StringNotEquals": {"aws:PrincipalTag/job": ["a", "b"]}}, ["c"], True),
        ({"StringNotEquals": {"aws:PrincipalTag/job": "a"}}, None, True),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/job": "a"}}, None, True),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/job": "a"}}, ["b"], False),
        ({"StringLike": {"aws:PrincipalTag/job": "iam*er-?"}}, ["iamuser-a"], True),
        ({"StringNotLike": {"aws:PrincipalTag/job": "iam*"}}, ["iamuser"], False),
        ({"Bool": {"aws:PrincipalTag/job": "true"}}, ["True"], True),
        ({"Null": {"aws:PrincipalTag/job": "true"}}, None, True),
        ({"Null": {"aws:PrincipalTag/job": "false"}}, None, False),
        ({"NumericLessThanEquals": {"aws:PrincipalTag/job": "10"}}, ["10"], True),
        ({"NumericLessThan": {"aws:PrincipalTag/job": "10"}}, ["10"], False),
        ({"NumericLessThan": {"aws:PrincipalTag/job": "10"}}, ["nine"], False),
        ({"IpAddress": {"aws:PrincipalTag/job": "203.0.113.0/24"}}, ["203.0.113.5"], True),
        ({"NotIpAddress": {"aws:PrincipalTag/job": "203.0.113.0/24"}}, ["203.0.113.5"], False),
        ({"ArnLike": {"aws:PrincipalTag/job": "arn:aws:sns:*:123456789012:T*"}}, [TOPIC], True),
        ({"ArnEquals": {"aws:PrincipalTag/job": "arn:aws:sns:*"}}, [TOPIC], False),
    ],
)  # fmt: skip
def test_operators_of_one_value(condition: Any, values: list[str] | None, expected: bool) -> None:
    context = {} if values is None else {"aws:principaltag/job": tuple(values)}
    assert holds(condition, context) is expected


# IAM User Guide, "Set operators for multivalued context keys", and "Multivalued context key examples".
@pytest.mark.parametrize(
    ("operator", "keys", "expected"),
    [
        ("ForAllValues:StringEquals", ["environment", "webserver"], True),
        ("ForAllValues:StringEquals", ["environment"], True),
        ("ForAllValues:StringEquals", ["environment", "other"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAnyValue:StringEquals", ["environment", "other"], True),
        ("ForAnyValue:StringEquals", ["other"], False),
        ("ForAnyValue:StringEquals", [], False),
        ("ForAnyValue:StringLike", ["Environment", "web"], False),
        ("ForAllValues:StringNotEquals", ["other"], True),
        ("ForAllValues:StringNotEquals", ["environment", "other"], False),
        ("ForAnyValue:StringNotEquals", ["environment", "other"], True),
    ],
)
def test_operators_of_many_values(operator: str, keys: list[str], expected: bool) -> None:
    context = {"aws:tagkeys": tuple(keys)} if keys else {}
    assert holds({operator: {"aws:TagKeys": ["environment", "webserver"]}}, context) is expected


# "Multiple context keys or values": keys and operators are all to hold, and one of the values of each.
def test_all_conditions_are_to_hold_and_one_value_of_each() -> None:
    tags = {"aws:RequestTag/a": ["1", "2"], "aws:RequestTag/b": "3"}
    condition: Any = {"StringEquals": tags, "Bool": {"aws:Mfa": "true"}}
    given = {"aws:requesttag/a": ("2",), "aws:requesttag/b": ("3",), "aws:mfa": ("true",)}
    assert holds(condition, given)
    for key in given:
        assert not holds(condition, {name: value for name, value in given.items() if name != key})


def test_what_is_not_evaluated_is_refused_by_name() -> None:
    with pytest.raises(PolicyError, match="DateLessThan is not evaluated here; known are ArnEquals"):
        holds({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}, {})
    with pytest.raises(PolicyError, match="ForSomeValues is neither"):
        holds({"ForSomeValues:StringEquals": {"aws:TagKeys": "a"}}, {})
    with pytest.raises(PolicyError, match="statement Odd is none of a role's policy"):
        decide(
            [{"Statement": {"Sid": "Odd", "Effect": "Allow", "Action": "*", "Principal": "*"}}], Request("s3:GetObject")
        )

"""Credentials of the wrong account are refused before anything happens."""

from pathlib import Path

import pytest

from slipway.aws.account import Caller
from slipway.commands.context import EnvironmentContext, Folders
from slipway.environments.running.protocol import Running
from slipway.errors.base import UserErrors
from slipway.settings.aws import AwsSettings

ROOT = Path(__file__).resolve().parents[3]


class AccountOf:
    """Stands in for an account's STS: the credentials are this caller's."""

    def __init__(self, account: str, arn: str, clusters: tuple[str, ...]) -> None:
        self._caller = Caller(account, arn)
        self._clusters = clusters

    def caller(self) -> Caller:
        return self._caller

    def has_cluster(self, name: str) -> bool:
        return name in self._clusters


def called_by(account: str, arn: str, *clusters: str) -> Running:
    context = EnvironmentContext("prod", Folders(ROOT / "models", ROOT / "stacks"))
    context.running.__dict__["account"] = AccountOf(account, arn, clusters)
    return context.running


def test_another_account_is_refused_with_file_line_and_who_it_is() -> None:
    with pytest.raises(UserErrors) as refused:
        called_by("210987654321", "arn:aws:iam::210987654321:user/anna").check_account()
    assert str(refused.value) == (
        f'{ROOT}/stacks/Pulumi.prod.yaml:7: config.slipway:environment.account: "123456789012" is not the account of '
        "the caller, arn:aws:iam::210987654321:user/anna; allowed: 210987654321; next: use credentials of the "
        "environment's account (`aws sts get-caller-identity` shows whose they are)"
    )
    assert refused.value.exit_code == 1


def test_who_is_no_administrator_is_warned_before_the_cluster_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    called_by("123456789012", "arn:aws:sts::123456789012:assumed-role/somebody/anna").check_account()
    assert "is not a session of a role in `administrators`" in capsys.readouterr().err


def test_who_is_no_administrator_makes_no_cluster_that_would_lock_them_out() -> None:
    somebody = "arn:aws:sts::123456789012:assumed-role/somebody/anna"
    with pytest.raises(UserErrors) as refused:
        called_by("123456789012", somebody, "slipway-dev").check_account(making=True)
    assert str(refused.value) == (
        f"{ROOT}/stacks/Pulumi.prod.yaml:14: config.slipway:environment.administrators: lets {somebody} into no "
        "cluster, and this one is still to be made; allowed: a list with the role that runs `slipway up`, whose "
        "session the caller is; next: add that role, as docs/how-to/aws.md makes it, or take on one of "
        "arn:aws:iam::123456789012:role/ml-platform, arn:aws:iam::123456789012:role/deploy-slipway-prod, "
        "arn:aws:iam::123456789012:role/oncall/break-glass"
    )
    assert refused.value.exit_code == 1


def test_a_cluster_that_is_there_may_know_them_in_its_own_way(capsys: pytest.CaptureFixture[str]) -> None:
    somebody = "arn:aws:sts::123456789012:assumed-role/somebody/anna"
    called_by("123456789012", somebody, "slipway-prod").check_account(making=True)
    assert "unless it has access in another way" in capsys.readouterr().err


def test_the_role_of_the_docs_is_an_administrator_of_each_shipped_environment() -> None:
    for environment in ("dev", "staging", "prod"):
        settings = EnvironmentContext(environment, Folders(ROOT / "models", ROOT / "stacks")).settings
        assert isinstance(settings, AwsSettings)
        deployer = Caller(
            settings.account, f"arn:aws:sts::{settings.account}:assumed-role/deploy-slipway-{environment}/ci"
        )
        assert any(deployer.is_role(role) for role in settings.administrators)


def test_an_administrator_is_let_through_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    called_by("123456789012", "arn:aws:sts::123456789012:assumed-role/ml-platform/anna").check_account()
    assert capsys.readouterr().err == ""

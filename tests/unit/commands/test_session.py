"""Credentials of the wrong account are refused before anything happens."""

from pathlib import Path

import pytest

from slipway.aws.account import Caller
from slipway.commands.context import EnvironmentContext, Folders
from slipway.environments.running.protocol import Running
from slipway.errors.base import UserErrors

ROOT = Path(__file__).resolve().parents[3]


class AccountOf:
    """Stands in for an account's STS: the credentials are this caller's."""

    def __init__(self, account: str, arn: str) -> None:
        self._caller = Caller(account, arn)

    def caller(self) -> Caller:
        return self._caller


def called_by(account: str, arn: str) -> Running:
    context = EnvironmentContext("prod", Folders(ROOT / "models", ROOT / "stacks"))
    context.running.__dict__["account"] = AccountOf(account, arn)
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


def test_an_administrator_is_let_through_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    called_by("123456789012", "arn:aws:sts::123456789012:assumed-role/ml-platform/anna").check_account()
    assert capsys.readouterr().err == ""

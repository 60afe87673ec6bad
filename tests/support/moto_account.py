"""An account of AWS in this process, emulated by moto."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from slipway.aws.account import Account

ACCOUNT, REGION = "123456789012", "eu-central-1"


@contextmanager
def emulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """The account as Slipway asks it, empty, with credentials that nobody has."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Account(ACCOUNT, REGION)


def client(service: str) -> Any:
    """Of the same account, for what a test makes in it."""
    return boto3.client(service, region_name=REGION)

"""Whatever the programs make in AWS can be found again after a killed run."""

from collections import defaultdict
from typing import Any

import pytest

from slipway.aws.account import Account
from slipway.aws.identifiers import _BY_NAME, identifiers
from tests.support.aws_runs import everything

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class EmptyAccount(Account):
    """An account in which every list is empty."""

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        return defaultdict(list)


def test_every_type_that_the_programs_register_can_be_looked_for() -> None:
    account = EmptyAccount("123456789012", "eu-central-1")
    inputs = {one.token: one.inputs for _, one in everything() if one.token.startswith("aws:")}
    assert len(inputs) > 30
    found = {kind: identifiers(account, kind, of) for kind, of in inputs.items()}
    assert {kind for kind, names in found.items() if kind in _BY_NAME and len(names) != 1} == set()
    assert {kind for kind, names in found.items() if not all(names)} == set()

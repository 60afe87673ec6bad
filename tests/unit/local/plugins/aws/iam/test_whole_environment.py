"""All that an environment's program asks for is made and read by the role of the docs, and of no other one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway.local.plugins.aws import operations
from slipway.local.plugins.aws.backend import JOURNAL, Backend
from slipway.local.plugins.aws.iam.roles import Roles
from slipway.local.plugins.aws.journal import entries
from slipway.local.plugins.aws.registry import TYPES
from slipway.local.plugins.protocol.errors import OperationError
from slipway.rehearsal.stage import POLICIES
from tests.support.aws_runs import closed, program_of, run_of
from tests.support.made_in_aws import REGION
from tests.support.recorder import COMPUTED, Run, run_program

ROOT = Path(__file__).resolve().parents[6]
ROLES = Roles([ROOT / file for file in POLICIES])


class Real:
    """What was really made for what the mocks named: ids by the mocked one and the type, as types share names."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, str]] = {}
        self._texts: dict[str, str] = {}

    def made(self, name: str, token: str, identifier: str, state: Mapping[str, Any]) -> None:
        self._ids.setdefault(f"{name}-id", {})[token.rpartition(":")[2].lower()] = identifier
        self._texts[f"arn:{name}"] = str(state.get("arn"))
        # Some outputs are the same for all of a type: of keys any will do, since all are the environment's.
        mocks = COMPUTED.get(token, {})
        self._texts |= {mocked: state[key] for key, mocked in mocks.items() if isinstance(mocked, str) and key in state}
        for key, inner in mocks.items():
            if isinstance(inner, dict) and key in state:
                self._texts |= {mocked: state[key][name] for name, mocked in inner.items() if name in state[key]}

    def filled(self, value: Any, key: str = "") -> Any:
        """Inputs with what is real; the engine knows floats only, and Amazon's models want whole numbers."""
        if isinstance(value, dict):
            return {name: self.filled(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner, key) for inner in value]
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, str):
            return value
        if value in self._ids:
            of = self._ids[value]
            return next((real for kind, real in of.items() if kind in key.lower()), next(iter(of.values())))
        for mocked in sorted(self._texts, key=len, reverse=True):
            value = value.replace(mocked, self._texts[mocked])
        return value


def without_nat() -> Run:
    return run_program(program_of("closed", closed()), "closed")


@pytest.mark.parametrize(
    ("environment", "made_by"), [("staging", lambda: run_of("staging")), ("closed", without_nat)], ids=["nat", "no-nat"]
)
def test_the_role_makes_a_whole_environment(
    environment: str, made_by: Callable[[], Run], endpoint: str, tmp_path: Path
) -> None:
    """Staging has a gateway with its database; without NAT a bastion too, and copies of the platform's images."""
    backend = Backend(tmp_path, endpoint, ROLES)
    real, made = Real(), []
    for resource in made_by().aws():
        kind = TYPES[resource.token]
        aws = backend.aws(REGION, f"urn:pulumi:{environment}::slipway::{resource.token}::x")
        identifier, state = operations.create(kind, aws, real.filled(resource.inputs))
        made.append(identifier)
        real.made(resource.name, resource.token, identifier, state)
    assert len(made) > 90
    calls = {(entry.service, entry.operation) for entry in entries(tmp_path / JOURNAL)}
    assert {"CreateNodegroup", "CreateVpcEndpoint", "CreateDBInstance"} <= {operation for _, operation in calls}


def test_the_role_of_one_environment_makes_nothing_of_another(endpoint: str, tmp_path: Path) -> None:
    backend = Backend(tmp_path, endpoint, ROLES)
    vpc = next(one for one in run_of("prod").aws() if one.token == "aws:ec2/vpc:Vpc")
    with pytest.raises(OperationError, match=r"\(UnauthorizedOperation\).*deploy-slipway-dev/rehearsal"):
        operations.create(TYPES[vpc.token], backend.aws(REGION, f"urn:pulumi:dev::slipway::{vpc.token}::x"), vpc.inputs)
    assert [entry.outcome for entry in entries(tmp_path / JOURNAL)][-1] == "failed: UnauthorizedOperation"

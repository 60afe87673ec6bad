"""What is said where an environment's models cannot be planned."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from slipway.errors.base import UserError, each
from slipway.loading.settings import read_settings
from slipway.loading.specs import LoadedSpec
from slipway.planner.environment import plan
from tests.support.planned import CODE


def refused_plan(settings: Path, environment: str, specs: Callable[[], Sequence[LoadedSpec]]) -> str:
    """What is said where specs, which may be refused as they are read, are not planned in an environment.

    Each finding names its line, what is allowed and what to do.
    """
    file = read_settings(settings, environment)
    with pytest.raises(UserError) as refused:
        plan(environment, file.settings, specs(), CODE, file.locate(())[0])
    assert all(finding.place.line and finding.allowed and finding.todo for finding in each(refused.value))
    return f"{refused.value}\n"

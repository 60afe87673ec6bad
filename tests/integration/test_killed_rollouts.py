"""`slipway up` killed in mid-rollout under load, then asked for the same, the former, and a third release."""

import os
import secrets

import pytest

from tests.support.kills import rounds
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

ROUNDS = 4
"""`make soak` plays twenty."""


def test_killed_in_a_rollout_the_next_up_ends_on_what_it_was_asked_for_and_loses_nothing(bench: Workbench) -> None:
    seed = int(os.environ.get("SLIPWAY_KILL_SEED") or secrets.randbits(32))
    for played in rounds(bench, ROUNDS, seed):
        assert played.faults == (), f"SLIPWAY_KILL_SEED={seed}, {played}"
        assert played.answered > 0
    bench.down()

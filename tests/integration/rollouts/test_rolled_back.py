"""A person ends a rollout in the middle: the old release has all calls, none is lost, and the new one is left alone."""

import json
from typing import Any

import pytest

from slipway.deploy.update.route import share_of_candidate
from tests.integration.rollouts.conftest import SHAPE
from tests.integration.rollouts.test_rollouts import LIMIT_S, is_alone, load
from tests.support.behind_gateway import Way
from tests.support.canaries import is_right
from tests.support.workbench import Workbench

pytestmark = [pytest.mark.integration, pytest.mark.serial]


def test_a_rollback_ends_a_rollout_whose_command_still_waits_and_no_call_is_lost(bench: Workbench, way: Way) -> None:
    patient: dict[str, Any] = SHAPE | {"rollout": SHAPE["rollout"] | {"hold": "30s"}}
    bench.write("wrong", version="1.5.0", **patient)
    with load(way, "wrong", 15) as loop:
        with bench.up_until("step 2 of 3", LIMIT_S) as watched:
            assert share_of_candidate(bench.cluster, "wrong") > 0
            back = bench.run("rollback", bench.environment, "wrong", "--reason", "not today", "--yes")
        assert back.returncode == 0, back.stderr
    assert watched.returncode == 2
    assert "its rollout is judged no more" in watched.stderr
    lost = loop.lost(is_right)
    assert lost == [], f"{len(lost)} lost, the last at {lost[-1]}; the rollback said:\n{back.stderr}"
    is_alone(bench, "wrong", "1.0.0")
    held = bench.up("wrong")
    assert held.returncode == 0, held.stderr
    assert "not today" in held.stderr and "0 of 1 models to deploy" in held.stderr
    (newest, *_) = json.loads(bench.well("history", bench.environment, "wrong", "--json"))["entries"]
    assert (newest["action"], newest["verdict"], newest["version"]) == ("rollback", "passed", "1.0.0")

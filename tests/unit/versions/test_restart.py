"""Pods are replaced and judged; the release, its record and what is held back stay as they are."""

import copy
from typing import Any

import pytest

from slipway.deploy.record import save, saved
from slipway.deploy.verdict import Verdict
from slipway.errors.failures import WrongAnswer
from slipway.history.held_back import HeldBack
from slipway.values.names import RESTARTED_ANNOTATION, SHORT
from slipway.versions.restart import NotRestarted, restart
from tests.support.deploy_bench import Bench, live, planned


def pods(bench: Bench) -> set[str]:
    bench.pass_s(10)
    return {pod["metadata"]["name"] for pod in bench.cluster.list("Pod", "app.kubernetes.io/name=digits")}


def annotations(bench: Bench) -> dict[str, Any]:
    deployment = bench.cluster.read("Deployment", "digits")
    assert deployment is not None
    return dict(deployment["spec"]["template"]["metadata"].get("annotations") or {})


@pytest.fixture
def bench() -> Bench:
    found = Bench()
    found.well(planned(1))
    return found


def test_every_pod_is_a_new_one_and_the_release_is_the_same(bench: Bench) -> None:
    before, record = pods(bench), saved(bench.cluster, "digits")
    release, error = restart(bench.deployer(), "digits")
    assert error is None
    assert not before & pods(bench)
    assert release == record == saved(bench.cluster, "digits")
    assert live(bench).serves_verified
    assert RESTARTED_ANNOTATION in annotations(bench)


def test_an_update_afterwards_finds_what_it_wants(bench: Bench) -> None:
    restart(bench.deployer(), "digits")
    before = pods(bench)
    bench.well(planned(1))
    assert pods(bench) == before


def test_new_pods_that_answer_wrongly_make_way_for_the_template_that_served(bench: Bench) -> None:
    asked = []

    def judge(*arguments: Any, **options: Any) -> Verdict:
        asked.append(annotations(bench))
        if len(asked) == 1:
            raise WrongAnswer("digits", "output `label`")
        return Verdict(planned(1).release_digest, 0.1, {})

    _, error = restart(bench.deployer(judge=judge), "digits")
    assert "output `label`" in str(error)
    assert [RESTARTED_ANNOTATION in one for one in asked] == [True, False]
    bench.pass_s(1)
    assert live(bench).serves_verified


def test_a_second_restart_replaces_them_again(bench: Bench) -> None:
    restart(bench.deployer(), "digits")
    first, before = annotations(bench), pods(bench)
    _, error = restart(bench.deployer(), "digits")
    assert error is None
    assert annotations(bench) != first
    assert not before & pods(bench)


def test_what_is_not_live_is_not_restarted(bench: Bench) -> None:
    with pytest.raises(NotRestarted, match="is not live"):
        restart(bench.deployer(), "speech")


def test_what_was_never_judged_right_is_not_restarted(bench: Bench) -> None:
    deployment = copy.deepcopy(bench.cluster.read("Deployment", "digits"))
    bench.cluster.delete("ConfigMap", "digits-verified")
    with pytest.raises(NotRestarted, match="was never judged right") as raised:
        restart(bench.deployer(), "digits")
    assert planned(1).release_digest[:SHORT] in str(raised.value)
    assert bench.cluster.read("Deployment", "digits")["spec"] == deployment["spec"]  # type: ignore[index]


def test_later_releases_come_and_are_taken_back_as_ever(bench: Bench) -> None:
    restart(bench.deployer(), "digits")
    bench.well(planned(2))
    assert live(bench).serves_verified
    bench.behave(planned(3), label=8)
    (failed,) = bench.up(planned(3))
    assert failed.restored == "1.2.0 serves again"
    assert live(bench).serves_verified
    assert RESTARTED_ANNOTATION in annotations(bench)


def test_what_is_held_back_stays_so(bench: Bench) -> None:
    held = HeldBack(to=planned(1).release, releases=(planned(2).release,), who="mia@h", when="2026-03-01T12:00:00Z")
    release = saved(bench.cluster, "digits")
    deployment = bench.cluster.read("Deployment", "digits")
    assert release is not None and deployment is not None
    save(bench.cluster, release, deployment, held=held)
    _, error = restart(bench.deployer(), "digits")
    assert error is None
    assert live(bench).held_back == held

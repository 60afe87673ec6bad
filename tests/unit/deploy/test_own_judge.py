"""An image's own server is judged in a pod of the release: its answers do not say which release gave them."""

from pathlib import Path
from typing import Any

import pytest

from slipway.artifacts.golden_request import Asked, GoldenRequest
from slipway.deploy import own_judge as module
from slipway.deploy.judge import verify
from slipway.deploy.own_judge import ready_pods, verify_anybody
from slipway.errors.failures import WrongAnswer
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.values.names import RELEASE_LABEL, selector
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import own_plan

ASKED = Asked(9000, "/v1/predict")
CHECK = GoldenRequest("custom", {"image": [1]}, {"/rows/0/label": 7, "kind": "digit"}, 2.0, asked=ASKED)
RIGHT = {"rows": [{"label": 7}], "kind": "digit"}
WRONG = {"rows": [{"label": 3}], "kind": "digit"}
NEW, OLD = "a" * 64, "b" * 64


def pod(name: str, release: str, *, ready: bool = True, ends: bool = False) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": {**selector("reader"), RELEASE_LABEL: release[:16]}}
    if ends:
        metadata["deletionTimestamp"] = "2026-11-26T10:00:00Z"
    status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


def cluster(*answers: object, pods: list[dict[str, Any]] | None = None) -> FakeCluster:
    fake = FakeCluster()
    for one in pods if pods is not None else [pod("old", OLD), pod("new", NEW)]:
        fake.objects["Pod", one["metadata"]["name"]] = one
    fake.answers = list(answers)
    return fake


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.05)
    monkeypatch.setattr(module, "RETRY_S", 0.01)


def test_a_pod_of_the_release_is_asked_where_its_server_listens() -> None:
    fake = cluster(RIGHT)
    verdict = verify(fake, "reader", CHECK, NEW)
    assert fake.asked_pods == [("new", 9000, "/v1/predict")]
    assert verdict.release == NEW
    assert verdict.outputs == {"/rows/0/label": 7, "kind": "digit"}


def test_any_pod_is_asked_when_no_release_is_named_and_its_label_says_which_it_was() -> None:
    assert verify(cluster(RIGHT, pods=[pod("only", OLD)]), "reader", CHECK, None).release == OLD[:16]


@pytest.mark.parametrize("pods", [[], [pod("old", OLD)], [pod("new", NEW, ready=False)], [pod("new", NEW, ends=True)]])
def test_no_pod_of_the_release_that_is_ready_and_stays_is_an_error_in_the_end(pods: list[dict[str, Any]]) -> None:
    fake = cluster(RIGHT, pods=pods)
    with pytest.raises(WrongAnswer, match=f"no pod of release {NEW[:16]} is ready"):
        verify(fake, "reader", CHECK, NEW)
    assert fake.asked_pods == []


def test_a_pod_that_gives_no_answer_is_asked_again() -> None:
    fake = cluster(ClusterUnreachable("c", "h", 0.1, "refused"), RIGHT)
    assert verify(fake, "reader", CHECK, NEW).release == NEW
    assert len(fake.asked_pods) == 2


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (WRONG, "output `/rows/0/label` is 3, expected 7"),
        ({"rows": [], "kind": "digit"}, "has no output `/rows/0/label`"),
        (ApiRefused("POST", "/v1/predict", 500, "boom"), "HTTP 500: boom"),
    ],
)
def test_a_wrong_answer_of_the_release_is_not_asked_for_again(answer: object, problem: str) -> None:
    with pytest.raises(WrongAnswer, match=problem):
        verify(cluster(answer, RIGHT), "reader", CHECK, NEW)


def test_at_the_gateway_a_wrong_answer_may_be_the_old_releases_and_is_asked_for_again() -> None:
    verdict = verify_anybody(cluster(WRONG, ApiRefused("POST", "/", 503, "not yet"), RIGHT), "reader", CHECK, ASKED)
    assert verdict.release == ""
    assert verdict.outputs["kind"] == "digit"


def test_at_the_gateway_a_wrong_answer_that_stays_is_an_error() -> None:
    with pytest.raises(WrongAnswer, match="is 3, expected 7"):
        verify_anybody(cluster(WRONG), "reader", CHECK, ASKED)
    with pytest.raises(WrongAnswer, match="HTTP 404: none, for"):
        verify_anybody(cluster(ApiRefused("POST", "/", 404, "none")), "reader", CHECK, ASKED)


def test_where_it_is_asked_follows_from_the_spec() -> None:
    check = own_plan("gated").find("built", Path()).check
    assert check.asked == Asked(9000, "/v1/models/reader:predict")
    assert ready_pods(cluster(RIGHT), "other", None) == []

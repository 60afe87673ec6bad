"""How far a rollout is, from what the API server shows."""

from typing import Any

import pytest

from slipway.cluster.pod_trouble import CONFIG_S, PULL_S, UNSCHEDULABLE_S, trouble_of
from slipway.cluster.rollout import REVISION, Completed, Seen, UnderWay, rolling, state_of

Json = dict[str, Any]


def deployment(release: str = "new", total: int = 2, **status: Any) -> Json:
    counts = {"replicas": total, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 3}
    return {
        "metadata": {"name": "digits", "uid": "d", "generation": 3, "annotations": {REVISION: "2"}},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"slipway.dev/release": release}}}},
        "status": counts | status,
    }


def replica_set(revision: str) -> Json:
    metadata = {"uid": f"r{revision}", "annotations": {REVISION: revision}, "ownerReferences": [{"uid": "d"}]}
    return {"metadata": metadata}


def pod(name: str = "p", revision: str = "2", *, ready: bool = False, **status: Any) -> Json:
    labels = {"slipway.dev/release": "new"}
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": str(ready)}]
    metadata = {"name": name, "labels": labels, "ownerReferences": [{"uid": f"r{revision}"}]}
    return {"metadata": metadata, "spec": {}, "status": {"conditions": conditions} | status}


def seen(of: Json, *pods: Json) -> Seen:
    return Seen([of], [replica_set("1"), replica_set("2")], pods)


def container(**state: Any) -> Json:
    return {"containerStatuses": [{"name": "server", "image": "i@sha256:0", **state}]}


def test_a_rollout_is_complete_when_all_replicas_run_the_template_and_no_other_is_left() -> None:
    assert state_of(seen(deployment()), "digits", "new") == Completed()


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 2},
        {"updatedReplicas": 1},
        {"total": 3},
        {"availableReplicas": 1},
    ],
    ids=["not taken up", "not all made", "an old one left", "not all available"],
)
def test_it_is_not_complete_before(status: Json) -> None:
    assert isinstance(state_of(seen(deployment(**status)), "digits", "new"), UnderWay)


def test_a_complete_rollout_of_another_template_is_none_of_this_release() -> None:
    state = state_of(seen(deployment("old")), "digits", "new")
    assert isinstance(state, UnderWay)
    assert state.trouble is not None
    assert state.trouble.text == "somebody changed its Deployment: the template is of release old instead of new"


def test_a_deployment_that_is_gone_is_trouble() -> None:
    state = state_of(Seen(), "digits", "new")
    assert isinstance(state, UnderWay)
    assert state.trouble is not None
    assert state.trouble.kind == "deleted"


def test_pods_of_the_old_template_are_not_blamed_and_do_not_count() -> None:
    crashed = container(restartCount=5, state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {}})
    old = pod("old", "1", **crashed)
    state = state_of(seen(deployment(updatedReplicas=1, total=3), old, pod("new")), "digits", "new")
    assert isinstance(state, UnderWay)
    assert state.trouble is None
    assert state.text == "pulling the image"


def test_when_the_new_replicas_are_ready_the_old_ones_are_waited_for() -> None:
    ready = [pod("a", ready=True), pod("b", ready=True)]
    state = state_of(seen(deployment(total=3), *ready), "digits", "new")
    assert isinstance(state, UnderWay)
    assert state.text == "waiting for the old replicas to stop"


def test_pods_that_are_refused_give_the_refusal() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods=1"}
    state = state_of(seen(deployment(updatedReplicas=1, conditions=[refused])), "digits", "new")
    assert isinstance(state, UnderWay)
    assert state.trouble is not None
    assert state.trouble.text == "its pods are refused: exceeded quota: pods=1"


QUOTA_SAID = (
    'pods "digits-5c9f-" is forbidden: exceeded quota: {name}, requested: requests.cpu=200m,requests.memory=256Mi, '
    "used: requests.cpu=400m,requests.memory=512Mi, limited: requests.cpu=400m,requests.memory=600Mi"
)


@pytest.mark.parametrize(
    ("name", "whose", "todo"),
    [
        ("team-vision", "the quota of team vision (ResourceQuota team-vision)", "raise teams.vision.quota in"),
        ("compute", "ResourceQuota compute of the namespace, which is not a team's", "ask whoever made it"),
    ],
)
def test_a_pod_that_a_quota_refused_says_which_whose_and_what_to_do(name: str, whose: str, todo: str) -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": QUOTA_SAID.format(name=name)}
    item = deployment(updatedReplicas=1, conditions=[refused])
    item["metadata"].setdefault("annotations", {})["slipway.dev/owner"] = "vision"
    state = state_of(seen(item), "digits", "new")
    assert isinstance(state, UnderWay)
    assert state.trouble is not None
    assert state.trouble.kind == "quota"
    assert state.trouble.text.startswith(whose)
    assert "cpu: 400m of 400m used, and a pod needs 200m, memory: 512Mi of 600Mi used" in state.trouble.text
    assert todo in state.trouble.text


def test_a_pod_for_which_others_stop_is_in_no_trouble() -> None:
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}
    status: dict[str, object] = {"phase": "Pending", "conditions": [waits]}
    assert trouble_of({"metadata": {"name": "p"}, "status": status}) is not None
    assert trouble_of({"metadata": {"name": "p"}, "status": status | {"nominatedNodeName": "node"}}) is None


def test_a_deadline_that_passed_names_the_pod_that_is_behind() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    state = state_of(seen(deployment(updatedReplicas=1, conditions=[late]), pod("late")), "digits", "new")
    assert isinstance(state, UnderWay)
    assert state.trouble is not None
    assert (state.trouble.kind, state.trouble.pod) == ("deadline", "late")


@pytest.mark.parametrize(
    ("status", "kind", "after_s", "text"),
    [
        (
            container(state={"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}),
            "image", 0.0, "pod p, container server: image i@sha256:0 cannot be pulled: manifest unknown",
        ),
        (
            container(state={"waiting": {"reason": "ImagePullBackOff", "message": "connection refused"}}),
            "image", PULL_S, "pod p, container server: image i@sha256:0 cannot be pulled: connection refused",
        ),
        (
            container(state={"waiting": {"reason": "ErrImagePull", "message": "401 Unauthorized"}}), "image", 0.0,
            "pod p, container server: image i@sha256:0 cannot be pulled: 401 Unauthorized; it names no Secret to pull "
            "with (`pull_secret` of the environment's settings)",
        ),
        (container(state={"waiting": {"reason": "InvalidImageName"}}), "image", 0.0,
         "pod p, container server: image i@sha256:0 cannot be pulled: InvalidImageName"),
        (
            container(state={"waiting": {"reason": "CreateContainerConfigError", "message": "no configmap x"}}),
            "config", CONFIG_S, 'pod p, container server: CreateContainerConfigError: no configmap x',
        ),
        (
            container(restartCount=1, state={"terminated": {"exitCode": 1, "message": "golden request: wrong"}}),
            "crash", 0.0, "pod p, container server: exited with code 1 (2 times): golden request: wrong",
        ),
        (
            container(restartCount=2, state={"waiting": {"reason": "CrashLoopBackOff"}},
                      lastState={"terminated": {"exitCode": 137, "signal": 9}}),
            "crash", 0.0, "pod p, container server: was killed by signal 9 (2 times)",
        ),
        (
            container(restartCount=2, state={"running": {}}, lastState={"terminated": {"reason": "OOMKilled"}}),
            "crash", 0.0,
            "pod p, container server: was killed: it needs more memory than its limit of the node (2 times)",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}]},
            "unschedulable", UNSCHEDULABLE_S, "pod p fits on no node: 0/1",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "disk"}, "failed", CONFIG_S, "pod p: Evicted: disk"),
    ],
)  # fmt: skip
def test_what_keeps_a_pod_from_serving_is_named_with_its_reason(
    status: Json, kind: str, after_s: float, text: str
) -> None:
    trouble = trouble_of(pod(**status))
    assert trouble is not None
    assert (trouble.kind, trouble.after_s, trouble.text, trouble.pod) == (kind, after_s, text, "p")


@pytest.mark.parametrize(
    "status",
    [
        {},
        container(state={"waiting": {"reason": "ContainerCreating"}}),
        container(restartCount=0, state={"terminated": {"exitCode": 1}}),
        container(restartCount=1, state={"running": {}}, lastState={"terminated": {"exitCode": 1}}),
        {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]},
    ],
    ids=["scheduled", "starting", "crashed once", "runs after one crash", "held back"],
)
def test_what_may_still_pass_is_no_trouble(status: Json) -> None:
    assert trouble_of(pod(**status)) is None


def test_a_pod_that_is_ready_again_is_no_trouble() -> None:
    status = container(restartCount=7, state={"running": {}}, lastState={"terminated": {"exitCode": 1}})
    assert trouble_of(pod(ready=True, **status)) is None


def test_room_comes_from_a_pod_that_leaves_or_from_another_rollout() -> None:
    leaving = pod("leaving")
    leaving["metadata"]["deletionTimestamp"] = "now"
    other = deployment(updatedReplicas=1)
    other["metadata"] = other["metadata"] | {"name": "speech"}
    given_up = deployment(updatedReplicas=1, conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}])
    given_up["metadata"] = given_up["metadata"] | {"name": "speech"}
    assert rolling(Seen(pods=[leaving]), "digits")
    assert rolling(Seen([deployment(), other]), "digits")
    assert not rolling(Seen([deployment(updatedReplicas=1)]), "digits")
    assert not rolling(Seen([given_up]), "digits")

"""When a Deployment, StatefulSet, DaemonSet or Job is live; what is wrong with its pods is told, and ends no wait."""

from typing import Any

import pytest

from slipway.local.plugins.kubernetes.waiting import judge
from slipway.local.plugins.kubernetes.waiting.verdict import Failed, Manifest, Ready, Related, Verdict, Waiting
from tests.support import shapes

AVAILABLE = {"type": "Available", "status": "True"}
ROLLED_OUT = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
DONE = [AVAILABLE, ROLLED_OUT]


def judged(manifest: Manifest, *pods: Manifest, ready: int = 2, **related: Any) -> Verdict:
    """The verdict where the ReplicaSet of the newest template has `ready` of two pods ready."""
    awaited = judge.how(manifest)
    assert awaited is not None
    sets = [shapes.replica_set(1, ready=2), shapes.replica_set(2, ready=ready)]
    return awaited.rule(manifest, Related(pods=list(pods), replica_sets=sets, **related))


def waiting(verdict: Verdict) -> str:
    assert isinstance(verdict, Waiting), verdict
    return verdict.reason


def test_a_deployment_is_live_when_its_newest_pods_are_ready_and_the_controller_says_so() -> None:
    assert judged(shapes.deployment(conditions=DONE)) == Ready()


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([AVAILABLE, ROLLED_OUT], 1),
        ([ROLLED_OUT], 2),
        ([AVAILABLE], 2),
        ([AVAILABLE, {**ROLLED_OUT, "reason": "ReplicaSetUpdated"}], 2),
        ([AVAILABLE, {**ROLLED_OUT, "status": "False"}], 2),
    ],
)
def test_a_deployment_that_lacks_one_of_these_is_waited_for(conditions: list[Manifest], ready: int) -> None:
    assert f"{ready} of 2 replicas ready" in waiting(judged(shapes.deployment(conditions=conditions), ready=ready))


def test_a_deployment_of_its_first_template_has_nothing_to_roll_out() -> None:
    first = shapes.deployment(conditions=[AVAILABLE])
    first["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    assert judged(first) == Ready()


def test_a_deployment_whose_change_was_not_taken_up_is_not_judged_by_its_old_status() -> None:
    stale = shapes.deployment(conditions=DONE)
    stale["status"]["observedGeneration"] = 2
    assert judged(stale) == Waiting("the deployment controller takes up the change")


def test_a_paused_deployment_is_waited_for_as_long_as_it_gets_no_replica_set() -> None:
    paused = shapes.deployment(spec={"replicas": 2, "paused": True})
    del paused["metadata"]["annotations"]
    assert waiting(judged(paused)) == "the deployment controller makes a ReplicaSet"


def test_a_deployment_waits_for_the_volumes_of_its_pods() -> None:
    volumes = [{"persistentVolumeClaim": {"claimName": "data"}}]
    manifest = shapes.deployment(conditions=DONE, spec={"template": {"spec": {"volumes": volumes}}})

    def claim(name: str, phase: str) -> Manifest:
        return {"metadata": {"name": name}, "status": {"phase": phase}}

    others = claim("others", "Pending")
    assert (
        waiting(judged(manifest, claims=[claim("data", "Pending"), others])) == "volumes are bound to the claims data"
    )
    assert judged(manifest, claims=[claim("data", "Bound"), others]) == Ready()


@pytest.mark.parametrize(
    ("pod", "told"),
    [
        (shapes.pod(container=shapes.back_off(7, restarts=9)), "exited with code 7 (Error)"),
        (shapes.pod(container=shapes.ended(3, message="model file is damaged")), "(Error): model file is damaged"),
        (shapes.pod(container=shapes.waiting("ErrImagePull", shapes.NOT_FOUND)), shapes.NOT_FOUND),
        (shapes.pod(container=shapes.waiting("InvalidImageName", "no image")), "InvalidImageName: no image"),
        (shapes.pod(container=shapes.waiting("CreateContainerConfigError", "no map")), "no map"),
        (shapes.unschedulable(), f"has no node: {shapes.NO_NODES}"),
    ],
)
def test_whatever_is_wrong_with_a_pod_is_told_while_its_deployment_is_waited_for(pod: Manifest, told: str) -> None:
    assert told in waiting(judged(shapes.deployment(conditions=[]), pod, ready=0))


def test_what_is_wrong_with_a_pod_of_the_previous_template_is_not_told() -> None:
    old = shapes.pod("old", container=shapes.back_off())
    old["metadata"]["ownerReferences"] = [{"uid": "rs-1"}]
    assert "old" not in waiting(judged(shapes.deployment(conditions=[]), old, ready=0))


def test_a_passed_progress_deadline_and_a_quota_are_told_and_end_no_wait() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    told = waiting(judged(shapes.deployment(conditions=[late, refused]), ready=0))
    assert "[ProgressDeadlineExceeded] timed out" in told
    assert "pods are refused: exceeded quota: small" in told


def stateful(generation: int = 2, **status: object) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "s", "generation": generation},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, "currentRevision": "a", "updateRevision": "a", **status},
    }


def test_a_stateful_set_is_live_when_all_replicas_are_of_the_newest_revision_and_ready() -> None:
    whole: dict[str, Any] = {"replicas": 2, "readyReplicas": 2, "currentReplicas": 2}
    assert judged(stateful(**whole)) == Ready()
    lacks: list[dict[str, Any]] = [
        {"readyReplicas": 1}, {"currentReplicas": 1}, {"replicas": 3}, {"updateRevision": "b"},
    ]  # fmt: skip
    for less in lacks:
        assert isinstance(judged(stateful(**{**whole, **less})), Waiting), less
    assert isinstance(judged(stateful(generation=3, **whole)), Waiting), "its controller did not see the change"


def test_a_stateful_set_that_is_updated_by_hand_is_live_when_its_replicas_are_ready() -> None:
    by_hand = stateful(replicas=2, readyReplicas=2, updateRevision="b")
    by_hand["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert judged(by_hand) == Ready()


def test_a_partition_of_a_stateful_set_is_waited_for_to_the_end() -> None:
    part = stateful(replicas=2, readyReplicas=2, currentReplicas=1, updateRevision="b")
    part["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    assert isinstance(judged(part), Waiting)


def test_a_daemon_set_is_live_when_every_node_has_a_ready_pod_of_the_newest_template() -> None:
    status: dict[str, int] = {
        "observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": 2,
        "numberAvailable": 1, "numberReady": 2,
    }  # fmt: skip
    daemons = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"generation": 1}, "status": status}
    assert judged(daemons) == Waiting("of 2 pods 2 scheduled, 2 updated, 1 available, 2 ready")
    status["numberAvailable"] = 2
    assert judged(daemons) == Ready()
    del status["desiredNumberScheduled"]
    assert isinstance(judged(daemons), Waiting)


def job(*conditions: Manifest, **status: object) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"uid": "j"},
        "status": {"conditions": list(conditions), **status},
    }


def test_a_job_is_live_when_it_is_complete() -> None:
    assert judged(job({"type": "Complete", "status": "True"}, startTime="t")) == Ready()
    assert waiting(judged(job(active=1, failed=2))) == "the job succeeds (1 pods active, 0 succeeded, 2 failed)"


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "DeadlineExceeded"])
def test_a_job_that_its_controller_gave_up_fails_at_once(reason: str) -> None:
    given_up = {"type": "Failed", "status": "True", "reason": reason, "message": "Job has reached the limit"}
    pod = shapes.pod("try-1", container=shapes.ended(4, message="no data"))
    pod["metadata"]["ownerReferences"] = [{"uid": "j"}]
    verdict = judged(job(given_up), pod)
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith(f"the job failed: [{reason}] Job has reached the limit; pod try-1")
    assert "no data" in verdict.reason


def test_a_job_that_failed_for_another_reason_or_is_suspended_is_waited_for() -> None:
    assert isinstance(judged(job({"type": "Failed", "status": "True", "reason": "PodFailurePolicy"})), Waiting)
    assert isinstance(judged(job({"type": "Suspended", "status": "True"})), Waiting)

"""When a Deployment, StatefulSet, DaemonSet or Job is done, not yet, or failed."""

import pytest

from local.provider import judge, workloads
from local.provider.verdict import Failed, Manifest, Ready, Related, Verdict, Waiting

from . import shapes

SETS = [shapes.replica_set(1), shapes.replica_set(2)]


def judged(manifest: Manifest, *pods: Manifest, sets: list[Manifest] = SETS) -> Verdict:
    return judge.judge(manifest, Related(pods=list(pods), replica_sets=sets))


def test_a_deployment_whose_replicas_are_all_new_and_available_is_ready() -> None:
    assert judged(shapes.deployment(replicas=2, updatedReplicas=2, availableReplicas=2)) == Ready()


def test_a_deployment_whose_change_was_not_taken_up_is_not_judged_by_its_old_status() -> None:
    stale = shapes.deployment(replicas=2, updatedReplicas=2, availableReplicas=2)
    stale["status"]["observedGeneration"] = 2
    assert judged(stale) == Waiting("the deployment controller takes up the change")


def test_a_deployment_of_no_replicas_is_ready_at_once() -> None:
    assert judged(shapes.deployment(spec={"replicas": 0})) == Ready()


def test_a_paused_deployment_is_not_waited_for() -> None:
    assert judged(shapes.deployment(spec={"replicas": 2, "paused": True})) == Ready()


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((2, 0, 2), "0 of 2 replicas updated"),
        ((2, 2, 1), "1 of 2 replicas available"),
        ((3, 2, 2), "1 replicas of the previous version stop"),
    ],
)
def test_a_deployment_on_its_way_tells_how_far_it_is(counts: tuple[int, int, int], told: str) -> None:
    total, updated, available = counts
    assert judged(shapes.deployment(replicas=total, updatedReplicas=updated, availableReplicas=available)) == Waiting(
        told
    )


def test_a_deployment_fails_for_what_is_wrong_with_a_new_pod() -> None:
    verdict = judged(shapes.deployment(updatedReplicas=1), shapes.pod(container=shapes.back_off()))
    assert isinstance(verdict, Failed)
    assert "exited with code 7" in verdict.reason


def test_a_crash_loop_of_the_previous_version_does_not_fail_its_repair() -> None:
    old = shapes.pod("old", container=shapes.back_off())
    old["metadata"]["ownerReferences"] = [{"uid": "rs-1"}]
    assert isinstance(judged(shapes.deployment(updatedReplicas=1), old), Waiting)


def test_pods_that_are_being_deleted_do_not_count() -> None:
    going = shapes.pod(container=shapes.back_off())
    going["metadata"]["deletionTimestamp"] = "2026-11-21T19:53:40Z"
    assert isinstance(judged(shapes.deployment(updatedReplicas=1), going), Waiting)


def test_an_evicted_pod_was_replaced_already_and_does_not_count() -> None:
    evicted = shapes.pod(phase="Failed", reason="Evicted", containerStatuses=[])
    assert isinstance(judged(shapes.deployment(updatedReplicas=1), evicted), Waiting)


def test_pods_that_a_quota_refuses_fail_with_its_words_but_only_after_old_pods_had_time_to_go() -> None:
    quota = 'pods "digits-2" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": quota}
    verdict = judged(shapes.deployment(conditions=[refused], updatedReplicas=1))
    assert verdict == Failed(f"pods are refused: {quota}", "refused", workloads.REFUSED_S)


def test_a_probe_that_never_passes_fails_at_the_progress_deadline_and_asks_for_the_events() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    manifest = shapes.deployment(
        conditions=[late], spec={"replicas": 2, "progressDeadlineSeconds": 8}, updatedReplicas=1
    )
    verdict = judged(manifest, shapes.pod(container=shapes.running(), phase="Running"))
    assert verdict == Failed(
        "no progress for 8 s: 0 of 2 replicas available", "deadline", pod="digits-1", evidence="events"
    )


def test_the_failure_that_needs_no_more_waiting_is_told_first() -> None:
    verdict = judged(
        shapes.deployment(updatedReplicas=2),
        shapes.unschedulable("digits-1"),
        shapes.pod("digits-2", container=shapes.waiting("ErrImagePull", shapes.NOT_FOUND)),
    )
    assert isinstance(verdict, Failed)
    assert verdict.pod == "digits-2"


def stateful(**status: object) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "s", "generation": 1},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 1, "currentRevision": "a", "updateRevision": "a", **status},
    }


def test_a_stateful_set_is_ready_when_all_replicas_are_of_the_newest_revision_and_ready() -> None:
    assert judged(stateful(replicas=2, readyReplicas=2, currentReplicas=2)) == Ready()
    assert isinstance(judged(stateful(replicas=2, readyReplicas=2, updateRevision="b", updatedReplicas=1)), Waiting)


def test_a_stateful_set_with_a_partition_waits_only_for_the_replicas_above_it() -> None:
    part = stateful(replicas=2, readyReplicas=2, updateRevision="b", updatedReplicas=1)
    part["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    assert judged(part) == Ready()


def test_a_daemon_set_is_ready_when_every_node_has_an_available_pod_of_the_newest_template() -> None:
    status = {"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}
    daemons = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"generation": 1},
        "spec": {},
        "status": status,
    }
    assert judged(daemons) == Waiting("2 of 2 pods updated, 1 available")
    status["numberAvailable"] = 2
    assert judged(daemons) == Ready()


def job(*conditions: Manifest, **status: object) -> Manifest:
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {}, "status": {"conditions": list(conditions), **status}}


def test_a_job_is_ready_when_it_is_complete() -> None:
    assert judged(job({"type": "Complete", "status": "True"})) == Ready()


def test_a_job_that_failed_names_its_last_pod() -> None:
    told = {
        "type": "Failed",
        "status": "True",
        "reason": "BackoffLimitExceeded",
        "message": "Job has reached the limit",
    }
    verdict = judged(job(told), shapes.pod("try-1", phase="Failed"))
    assert verdict == Failed("the job failed: Job has reached the limit", "job", pod="try-1", evidence="log")


def test_a_job_leaves_the_count_of_crashes_to_its_back_off_limit() -> None:
    crashed = shapes.pod(container=shapes.ended(1), phase="Failed", spec={"restartPolicy": "Never"})
    assert isinstance(judged(job(failed=1), crashed), Waiting)


def test_a_job_whose_image_is_not_there_fails_before_its_back_off_limit() -> None:
    assert isinstance(judged(job(), shapes.pod(container=shapes.waiting("ErrImagePull", shapes.NOT_FOUND))), Failed)


def test_a_suspended_job_is_not_waited_for() -> None:
    suspended = job()
    suspended["spec"]["suspend"] = True
    assert judged(suspended) == Ready()

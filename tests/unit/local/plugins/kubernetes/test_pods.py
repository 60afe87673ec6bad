"""When a bare pod is live, and what is told of one that is not."""

import pytest

from slipway.local.plugins.kubernetes.waiting import pods
from slipway.local.plugins.kubernetes.waiting.verdict import Ready, Waiting
from tests.support import shapes


def test_a_pod_that_is_scheduled_initialized_and_ready_is_live() -> None:
    assert pods.judge(shapes.serving()) == Ready()


def test_a_pod_that_succeeded_is_live() -> None:
    done = shapes.serving()
    done["status"] |= {"phase": "Succeeded"}
    done["status"]["conditions"][2] = {"type": "Ready", "status": "False", "reason": "PodCompleted"}
    assert pods.judge(done) == Ready()


@pytest.mark.parametrize("missing", ["PodScheduled", "Initialized", "Ready"])
def test_a_pod_that_lacks_a_condition_is_waited_for(missing: str) -> None:
    pod = shapes.serving()
    pod["status"]["conditions"] = [item for item in pod["status"]["conditions"] if item["type"] != missing]
    assert pods.judge(pod) == Waiting("pod digits-1 is not ready yet")


def test_a_crash_is_told_with_its_exit_code_and_message() -> None:
    pod = shapes.pod(container=shapes.back_off(3, message="model file is damaged\n"))
    assert pods.trouble(pod) == (
        "pod digits-1: container server: CrashLoopBackOff: back-off 10s; "
        "container server exited with code 3 (Error): model file is damaged"
    )


def test_an_init_container_that_crashes_is_told() -> None:
    broken = {"name": "fetch", **shapes.back_off(1)}
    pod = shapes.pod(initContainerStatuses=[broken], containerStatuses=[])
    assert "container fetch exited with code 1" in pods.trouble(pod)


@pytest.mark.parametrize("container", [shapes.waiting("ContainerCreating"), shapes.running()])
def test_nothing_is_told_of_a_pod_that_just_starts(container: shapes.Manifest) -> None:
    assert pods.trouble(shapes.pod(container=container)) == ""


def test_a_probe_that_does_not_pass_is_told_in_the_kubelets_words() -> None:
    pod = shapes.pod(container=shapes.running())
    pod["status"]["conditions"][1]["message"] = "containers with unready status: [server]"
    assert pods.trouble(pod) == "pod digits-1: containers with unready status: [server]"

"""What keeps a pod from running, and whether waiting may help."""

import pytest

from local.provider import pods
from local.provider.verdict import Failed, Ready, Verdict, Waiting

from . import shapes


def failed(verdict: Verdict) -> Failed:
    assert isinstance(verdict, Failed), verdict
    return verdict


def test_a_pod_with_the_condition_ready_is_ready() -> None:
    assert pods.judge(shapes.serving()) == Ready()


def test_a_pod_that_succeeded_is_ready() -> None:
    assert pods.judge(shapes.pod(phase="Succeeded")) == Ready()


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_an_image_that_the_registry_does_not_have_fails_at_once_with_the_registrys_words(reason: str) -> None:
    verdict = failed(pods.judge(shapes.pod(container=shapes.waiting(reason, shapes.NOT_FOUND))))
    assert verdict.after_s == 0
    assert verdict.reason == f"pod digits-1, container server: image x:1 cannot be had: {shapes.NOT_FOUND}"


def test_a_registry_that_is_down_gets_time_to_come_back() -> None:
    verdict = failed(pods.judge(shapes.pod(container=shapes.waiting("ErrImagePull", shapes.REFUSED))))
    assert verdict.after_s == pods.PULL_S
    assert "connection refused" in verdict.reason


def test_an_image_name_that_cannot_be_read_fails_at_once() -> None:
    verdict = failed(pods.judge(shapes.pod(container=shapes.waiting("InvalidImageName", 'couldn\'t parse "X:1"'))))
    assert verdict.after_s == 0


def test_a_missing_config_map_gets_time_to_be_made() -> None:
    verdict = failed(
        pods.judge(shapes.pod(container=shapes.waiting("CreateContainerConfigError", 'configmap "missing" not found')))
    )
    assert verdict.after_s == pods.CONFIG_S
    assert 'configmap "missing" not found' in verdict.reason


def test_a_container_that_crashed_once_may_recover() -> None:
    assert isinstance(pods.judge(shapes.pod(container=shapes.ended(1))), Waiting)
    assert isinstance(pods.judge(shapes.pod(container=shapes.running(restarts=1))), Waiting)


@pytest.mark.parametrize("status", [shapes.ended(7, restarts=1), shapes.back_off(7, restarts=1)])
def test_a_second_crash_fails_with_the_exit_code_and_asks_for_the_log(status: shapes.Manifest) -> None:
    verdict = failed(pods.judge(shapes.pod(container=status)))
    assert verdict.reason == "pod digits-1, container server: exited with code 7 (2 times)"
    assert (verdict.after_s, verdict.evidence, verdict.pod, verdict.container) == (0, "log", "digits-1", "server")


def test_a_program_that_says_why_it_cannot_start_fails_at_its_first_crash_with_its_words() -> None:
    verdict = failed(pods.judge(shapes.pod(container=shapes.ended(3, message="model file is damaged\n"))))
    assert verdict.reason == ("pod digits-1, container server: exited with code 3 (once): model file is damaged")


def test_log_lines_that_the_kubelet_takes_for_a_message_do_not_count_as_the_programs_word() -> None:
    spec = {"containers": [{"name": "server", "terminationMessagePolicy": "FallbackToLogsOnError"}]}
    assert isinstance(pods.judge(shapes.pod(container=shapes.ended(3, message="Traceback"), spec=spec)), Waiting)


def test_a_container_killed_for_memory_names_its_limit() -> None:
    spec = {"containers": [{"name": "server", "resources": {"limits": {"memory": "64Mi"}}}]}
    verdict = failed(pods.judge(shapes.pod(container=shapes.back_off(137, reason="OOMKilled"), spec=spec)))
    assert "it needs more memory than its limit of 64Mi" in verdict.reason


def test_a_pod_that_is_not_restarted_fails_at_its_first_crash() -> None:
    verdict = failed(pods.judge(shapes.pod(container=shapes.ended(2), spec={"restartPolicy": "Never"})))
    assert "exited with code 2 (once)" in verdict.reason


def test_an_init_container_that_ended_well_is_no_trouble() -> None:
    spec = {"initContainers": [{"name": "fetch"}]}
    done = {"name": "fetch", "state": {"terminated": {"exitCode": 0}}, "restartCount": 0}
    verdict = pods.judge(
        shapes.pod(container=shapes.waiting("PodInitializing"), spec=spec, initContainerStatuses=[done])
    )
    assert isinstance(verdict, Waiting)


def test_an_init_container_that_crashes_is_named() -> None:
    spec = {"initContainers": [{"name": "fetch"}]}
    broken = {"name": "fetch", **shapes.back_off(1)}
    verdict = failed(pods.judge(shapes.pod(spec=spec, initContainerStatuses=[broken], containerStatuses=[])))
    assert verdict.container == "fetch"


def test_a_server_that_exits_well_again_and_again_is_a_crash_loop_too() -> None:
    verdict = failed(pods.judge(shapes.pod(container=shapes.back_off(0, reason="Completed"))))
    assert "exited with code 0 (2 times)" in verdict.reason


def test_a_pod_that_fits_nowhere_fails_after_a_while_with_the_schedulers_words_unless_a_node_comes() -> None:
    verdict = failed(pods.judge(shapes.unschedulable()))
    assert (verdict.after_s, verdict.evidence) == (pods.UNSCHEDULABLE_S, "scale-up")
    assert verdict.reason == f"pod digits-1 fits on no node: {shapes.NO_NODES}"


def test_a_pod_with_scheduling_gates_is_waited_for() -> None:
    assert pods.judge(shapes.unschedulable(reason="SchedulingGated")) == Waiting(
        "pod digits-1 is held back: SchedulingGated"
    )


def test_an_evicted_pod_tells_why() -> None:
    verdict = failed(
        pods.judge(shapes.pod(phase="Failed", reason="Evicted", message="low on memory", containerStatuses=[]))
    )
    assert verdict.reason == "pod digits-1: Evicted: low on memory"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (shapes.waiting("ContainerCreating"), "pod digits-1 pulls its image and starts"),
        (shapes.running(), "pod digits-1 runs and is not ready yet"),
    ],
)
def test_a_pod_on_its_way_tells_how_far_it_is(status: shapes.Manifest, told: str) -> None:
    assert pods.judge(shapes.pod(container=status)) == Waiting(told)

"""Requests, watches and waits hold out against an API server that is away, slow or restarted (a fake one)."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from local.provider import api as api_module
from local.provider import evidence, gone, pods, settle, workloads
from local.provider import follow as follow_module
from local.provider.api import Api, ApiError, UnreachableError
from local.provider.discovery import Resource
from local.provider.follow import follow
from local.provider.settle import NotLiveError
from local.provider.verdict import Failed

from . import shapes
from .fake_api import ROOT, FakeApi, fake_api

DEPLOYMENTS = Resource("/apis/apps/v1", "deployments", namespaced=True)
PODS = "/api/v1/namespaces/team/pods"
SETS = "/apis/apps/v1/namespaces/team/replicasets"
Test = Callable[[FakeApi, Api], Awaitable[None]]


def run(test: Test) -> None:
    async def inside() -> None:
        async with fake_api() as (fake, api):
            await asyncio.wait_for(test(fake, api), 20)

    asyncio.run(inside())


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits with shorter pauses."""
    monkeypatch.setattr(settle, "_QUIET_S", 0.05)
    monkeypatch.setattr(follow_module, "_PAUSE_S", 0.02)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "UNREACHABLE_S", 0.5)
    monkeypatch.setattr(follow_module, "UNREACHABLE_S", 0.5)


def deployment(**status: Any) -> shapes.Manifest:
    manifest = shapes.deployment(**status)
    manifest["metadata"] |= {"namespace": "team", "resourceVersion": "1"}
    return manifest


DONE: dict[str, Any] = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.usefixtures("impatient")
def test_a_server_that_stays_away_is_given_up_with_its_address_and_the_time() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        await fake.stop()
        with pytest.raises(
            UnreachableError, match=rf"http://127.0.0.1:{fake.port} did not answer.*check that the cluster runs"
        ):
            await api.get("/x")
        await fake.start()

    run(test)


def test_a_server_that_is_restarted_is_waited_for() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.objects["/x"] = {"a": 1}
        await fake.stop()
        asking = asyncio.create_task(api.get("/x"))
        await asyncio.sleep(0.3)
        await fake.start()
        assert await asking == {"a": 1}

    run(test)


def test_a_busy_server_is_asked_again_and_a_refusal_is_not() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.objects["/x"] = {"a": 1}
        fake.failures = [429, 503]
        assert await api.get("/x") == {"a": 1}
        fake.failures = [403, 500]
        with pytest.raises(ApiError, match="made to fail with 403"):
            await api.get("/x")
        assert fake.failures == [500]

    run(test)


def test_a_watch_that_broke_off_goes_on_and_notices_what_went_away_meanwhile() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/a", {"metadata": {"uid": "a"}})
        fake.put(f"{ROOT}/b", {"metadata": {"uid": "b"}})
        seen: dict[str, shapes.Manifest] = {}
        task = asyncio.create_task(follow(api, ROOT, {}, seen, lambda: None))
        await until(lambda: set(seen) == {"a", "b"})
        await fake.stop()
        del fake.objects[f"{ROOT}/a"]
        await fake.start()
        await until(lambda: set(seen) == {"b"})
        fake.put(f"{ROOT}/c", {"metadata": {"uid": "c"}})
        await until(lambda: set(seen) == {"b", "c"})
        task.cancel()

    run(test)


class Waited:
    """A wait for the Deployment in a fake API server, and what it told."""

    def __init__(self, api: Api, live: shapes.Manifest, limit_s: float = 10) -> None:
        self.cancelled = asyncio.Event()
        self.told: list[str] = []
        self.task = asyncio.create_task(settle.settle(api, DEPLOYMENTS, live, limit_s, self.cancelled, self._say))

    async def _say(self, text: str) -> None:
        self.told.append(text)


def test_a_deployment_is_waited_for_until_it_is_live_and_its_progress_is_told() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: waited.told == ["0 of 2 replicas updated"])
        fake.put(f"{ROOT}/digits", deployment(**DONE))
        assert (await waited.task)["status"]["availableReplicas"] == 2

    run(test)


def test_waiting_goes_on_after_the_api_server_was_restarted() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: bool(waited.told))
        await fake.stop()
        fake.objects[f"{ROOT}/digits"] = deployment(**DONE)
        await fake.start()
        assert (await waited.task)["status"]["availableReplicas"] == 2

    run(test)


@pytest.mark.usefixtures("impatient")
def test_waiting_ends_with_the_address_when_the_api_server_stays_away() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: bool(waited.told))
        await fake.stop()
        with pytest.raises(NotLiveError, match=rf"127.0.0.1:{fake.port} did not answer.*run the command again"):
            await waited.task
        await fake.start()

    run(test)


def test_a_crash_loop_ends_the_wait_with_the_last_lines_of_the_log() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        fake.put(f"{SETS}/rs", shapes.replica_set(2))
        fake.put(f"{PODS}/digits-1", shapes.pod(container=shapes.back_off()))
        fake.objects[f"{PODS}/digits-1/log"] = {"said": "no model here"}
        with pytest.raises(
            NotLiveError, match=r"exited with code 7 \(2 times\)\nlast lines of its log:\n  .*no model here"
        ):
            await Waited(api, deployment()).task

    run(test)


def test_a_failure_that_may_pass_is_given_its_time_and_forgotten_when_it_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workloads, "REFUSED_S", 0.6)
    refused = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]

    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment(conditions=refused))
        waited = Waited(api, deployment())
        await asyncio.sleep(0.3)
        fake.put(f"{ROOT}/digits", deployment())
        await asyncio.sleep(0.5)
        assert not waited.task.done()
        fake.put(f"{ROOT}/digits", deployment(conditions=refused))
        await asyncio.sleep(0.3)
        assert not waited.task.done(), "its time starts anew"
        with pytest.raises(NotLiveError, match="pods are refused: exceeded quota"):
            await waited.task

    run(test)


def test_a_pod_that_fits_nowhere_is_waited_for_while_an_autoscaler_brings_a_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pods, "UNSCHEDULABLE_S", 0.2)
    events = "/api/v1/namespaces/team/events"

    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        fake.put(f"{SETS}/rs", shapes.replica_set(2))
        fake.put(f"{PODS}/digits-1", shapes.unschedulable())
        fake.objects[events] = {"items": [{"reason": "TriggeredScaleUp"}]}
        waited = Waited(api, deployment())
        await until(lambda: fake.requests.count(f"GET {events}") >= 2)
        assert not waited.task.done()
        fake.objects[events] = {"items": []}
        with pytest.raises(NotLiveError, match="fits on no node: 0/1 nodes are available"):
            await waited.task

    run(test)


def test_the_limit_ends_a_wait_with_what_was_awaited() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment(updatedReplicas=1))
        with pytest.raises(NotLiveError, match="not live after 1 s: 1 of 2 replicas updated") as caught:
            await Waited(api, deployment(), 1).task
        assert caught.value.live["status"]["updatedReplicas"] == 1

    run(test)


def test_cancelling_ends_a_wait_with_the_state_so_far() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: bool(waited.told))
        waited.cancelled.set()
        with pytest.raises(NotLiveError, match="cancelled while it was waited for: 0 of 2 replicas updated"):
            await waited.task

    run(test)


def test_an_object_that_somebody_deletes_is_not_waited_for_any_longer() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: bool(waited.told))
        fake.remove(f"{ROOT}/digits")
        with pytest.raises(NotLiveError, match="deleted by somebody else"):
            await waited.task

    run(test)


def test_annotations_skip_the_wait_or_replace_what_is_awaited() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        skipped = deployment()
        skipped["metadata"]["annotations"]["pulumi.com/skipAwait"] = "true"
        assert await Waited(api, skipped).task == skipped
        chosen = deployment()
        chosen["metadata"]["annotations"]["pulumi.com/waitFor"] = "condition=Blessed"
        fake.put(f"{ROOT}/digits", copy.deepcopy(chosen))
        waited = Waited(api, chosen)
        await until(lambda: waited.told == ["waits for condition=Blessed"])
        blessed = copy.deepcopy(chosen)
        blessed["status"]["conditions"] = [{"type": "Blessed", "status": "True"}]
        fake.put(f"{ROOT}/digits", blessed)
        assert await waited.task == blessed

    run(test)


@pytest.mark.parametrize(("custom", "annotated", "expected"), [(7.0, "9", 7.0), (0.0, "9", 9.0), (0.0, None, 600.0)])
def test_custom_timeouts_come_before_the_annotation_and_that_before_the_default(
    custom: float, annotated: str | None, expected: float
) -> None:
    manifest = deployment()
    if annotated:
        manifest["metadata"]["annotations"]["pulumi.com/timeoutSeconds"] = annotated
    assert settle.limit_s(manifest, custom) == expected


def test_a_time_limit_that_is_no_number_is_refused() -> None:
    manifest = deployment()
    manifest["metadata"]["annotations"]["pulumi.com/timeoutSeconds"] = "10m"
    with pytest.raises(ValueError, match="is '10m'; expected a positive whole number of seconds"):
        settle.limit_s(manifest, 0)


async def delete(api: Api, told: list[str], limit_s: float = 10, cancelled: asyncio.Event | None = None) -> None:
    async def say(text: str) -> None:
        told.append(text)

    await gone.delete(api, DEPLOYMENTS, {}, "team", "digits", limit_s, cancelled or asyncio.Event(), say)


def test_deleting_what_is_gone_already_is_fine() -> None:
    run(lambda _, api: delete(api, []))


def test_deleting_waits_until_the_finalizers_let_go_and_tells_which_hold() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        held = deployment()
        held["metadata"]["finalizers"] = ["team/guard"]
        fake.put(f"{ROOT}/digits", held)
        fake.keeps_deleted = True
        told: list[str] = []
        deleting = asyncio.create_task(delete(api, told))
        await asyncio.sleep(0.2)
        assert not deleting.done()
        fake.remove(f"{ROOT}/digits")
        await deleting
        fake.put(f"{ROOT}/digits", held)
        with pytest.raises(NotLiveError, match=r"still there after 1 s.*finalizers team/guard have to let it go"):
            await delete(api, told, 1)

    run(test)


def test_a_failure_that_needs_the_log_is_told_without_it_when_there_is_none() -> None:
    async def test(_: FakeApi, api: Api) -> None:
        verdict = Failed("it crashed", "crash", pod="digits-1", evidence="log")
        assert await evidence.text(api, deployment(), verdict) == "it crashed"

    run(test)

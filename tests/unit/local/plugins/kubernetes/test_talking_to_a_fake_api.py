"""Requests, watches and waits hold out against an API server that is away, slow or restarted (a fake one)."""

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from slipway.local.plugins.kubernetes.client import api as api_module
from slipway.local.plugins.kubernetes.client.api import Api, ApiError, UnreachableError
from slipway.local.plugins.kubernetes.client.discovery import Resource
from slipway.local.plugins.kubernetes.objects import gone
from slipway.local.plugins.kubernetes.waiting import follow as follow_module
from slipway.local.plugins.kubernetes.waiting import settle, watching
from slipway.local.plugins.kubernetes.waiting.follow import follow
from slipway.local.plugins.kubernetes.waiting.settle import NotLiveError
from tests.support import shapes
from tests.support.fake_api import ROOT, FakeApi, fake_api

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


DONE = [
    {"type": "Available", "status": "True"},
    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
]


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
        fake.put(f"{SETS}/rs", shapes.replica_set(2))
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: "0 of 2 replicas ready" in waited.told)
        fake.put(f"{SETS}/rs", shapes.replica_set(2, ready=2))
        fake.put(f"{ROOT}/digits", deployment(conditions=DONE))
        assert (await waited.task)["status"]["conditions"] == DONE

    run(test)


def test_waiting_goes_on_after_the_api_server_was_restarted() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: bool(waited.told))
        await fake.stop()
        fake.objects[f"{SETS}/rs"] = shapes.replica_set(2, ready=2)
        fake.objects[f"{ROOT}/digits"] = deployment(conditions=DONE)
        await fake.start()
        assert (await waited.task)["status"]["conditions"] == DONE

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


def test_a_service_is_live_when_its_endpoints_have_not_changed_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SETTLE_S", 0.6)
    services, points = "/api/v1/namespaces/team/services", "/api/v1/namespaces/team/endpoints"
    web = {
        "kind": "Service", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "team", "uid": "s"},
        "spec": {"selector": {"app": "x"}},
    }  # fmt: skip

    async def say(_: str) -> None:
        pass

    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{services}/web", web)
        resource = Resource("/api/v1", "services", namespaced=True)
        task = asyncio.create_task(settle.settle(api, resource, web, 10, asyncio.Event(), say))
        for version, kind in enumerate(("notReadyAddresses", "addresses")):
            await asyncio.sleep(0.3)
            metadata = {"name": "web", "uid": "e", "resourceVersion": str(version)}
            fake.put(f"{points}/web", {"metadata": metadata, "subsets": [{kind: [{"ip": "10.1.0.1"}]}]})
        changed = time.monotonic()
        assert await task == web
        assert 0.2 < time.monotonic() - changed < 3

    run(test)


def test_a_crash_loop_is_told_and_waited_for() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        fake.put(f"{SETS}/rs", shapes.replica_set(2))
        fake.put(f"{PODS}/digits-1", shapes.pod(container=shapes.back_off()))
        waited = Waited(api, deployment(), 2)
        await until(lambda: any("exited with code 7" in text for text in waited.told))
        fake.put(f"{PODS}/digits-1", shapes.serving())
        fake.put(f"{SETS}/rs", shapes.replica_set(2, ready=2))
        fake.put(f"{ROOT}/digits", deployment(conditions=DONE))
        await waited.task

    run(test)


def test_the_limit_ends_a_wait_with_what_was_awaited() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{SETS}/rs", shapes.replica_set(2, ready=1))
        fake.put(f"{ROOT}/digits", deployment(updatedReplicas=1))
        with pytest.raises(NotLiveError, match="not live after 1 s: 1 of 2 replicas ready") as caught:
            await Waited(api, deployment(), 1).task
        assert caught.value.live["status"]["updatedReplicas"] == 1

    run(test)


def test_cancelling_ends_a_wait_with_the_state_so_far() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment())
        await until(lambda: bool(waited.told))
        waited.cancelled.set()
        with pytest.raises(NotLiveError, match="cancelled while it was waited for: the deployment controller makes"):
            await waited.task

    run(test)


def test_an_object_that_somebody_deletes_is_waited_for_to_the_limit() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        waited = Waited(api, deployment(), 2)
        await until(lambda: bool(waited.told))
        fake.remove(f"{ROOT}/digits")
        with pytest.raises(NotLiveError, match="not live after 2 s: it was deleted by somebody else"):
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


def test_with_a_limit_of_nothing_a_deletion_is_asked_for_and_not_waited_for() -> None:
    async def test(fake: FakeApi, api: Api) -> None:
        fake.put(f"{ROOT}/digits", deployment())
        fake.keeps_deleted = True
        await delete(api, [], 0)
        assert fake.objects[f"{ROOT}/digits"]["metadata"]["deletionTimestamp"]
        assert fake.requests == [f"DELETE {ROOT}/digits"]

    run(test)

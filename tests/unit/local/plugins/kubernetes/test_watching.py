"""How long objects are waited for, on a clock of the test's own: as long as the real plugin does."""

from typing import Any

import pytest

from slipway.local.plugins.kubernetes.waiting import watching
from slipway.local.plugins.kubernetes.waiting.verdict import Failed, Manifest, Ready, Related, Verdict, Waiting
from slipway.local.plugins.kubernetes.waiting.watching import Settling, Watching, limit_s
from tests.support import shapes


class Clock:
    """One wait, looked at when told; `at` is the seconds since its start."""

    def __init__(self, live: Manifest, custom_s: float = 0) -> None:
        rule = watching.rule(live)
        assert rule is not None
        self.live, self.related = live, Related()
        self._wait = Watching(live, rule, limit_s(live, custom_s), 1000.0)

    def at(self, seconds: float, **changes: Any) -> Verdict:
        return self._wait.look(self.live, self.related, 1000.0 + seconds, **changes)

    def due(self, seconds: float) -> float:
        return self._wait.due(1000.0 + seconds) - 1000.0


def endpoints(version: str, *, waiting: bool = False) -> list[Manifest]:
    address = {"notReadyAddresses" if waiting else "addresses": [{"ip": "10.1.0.1"}]}
    return [{"metadata": {"name": "web", "uid": "e", "resourceVersion": version}, "subsets": [address]}]


def service(**metadata: Any) -> Manifest:
    spec = {"clusterIP": "10.0.0.1", "selector": {"app": "x"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", **metadata}, "spec": spec}


def failed(verdict: Verdict) -> str:
    assert isinstance(verdict, Failed), verdict
    return verdict.reason


def test_a_service_is_waited_for_ten_seconds_after_it_has_endpoints() -> None:
    clock = Clock(service())
    assert isinstance(clock.at(3), Waiting)
    clock.related.endpoints = endpoints("1")
    assert isinstance(clock.at(4), Waiting)
    assert clock.due(4) == 14
    assert isinstance(clock.at(13.9), Waiting)
    assert clock.at(14) == Ready()


def test_endpoints_that_change_meanwhile_settle_later() -> None:
    clock = Clock(service())
    clock.related.endpoints = endpoints("1", waiting=True)
    assert isinstance(clock.at(0), Waiting)
    clock.related.endpoints = endpoints("2")
    assert isinstance(clock.at(12), Waiting)
    assert isinstance(clock.at(21.9), Waiting)
    assert clock.at(22) == Ready()


def test_a_change_starts_a_time_and_stops_none_that_runs() -> None:
    settling = Settling(0, None)
    settling.note(endpoints("1"), 0)
    settling.note(endpoints("2"), 6)
    assert [settling.settled(time) for time in (6, 9.9, 10, 15, 16)] == [False, False, True, True, True]
    assert settling.due(6) == [10, 16]
    settling.note(endpoints("3"), 12)
    assert [settling.settled(time) for time in (12, 15.9, 16)] == [False, False, True]


def test_a_service_whose_pods_never_become_ready_is_waited_for_to_its_limit() -> None:
    clock = Clock(service(annotations={watching.TIMEOUT: "120"}))
    clock.related.endpoints = endpoints("1", waiting=True)
    assert isinstance(clock.at(0), Waiting)
    assert isinstance(clock.at(119.9), Waiting)
    assert failed(clock.at(120)) == "not live after 120 s: pods that it selects are not ready yet"


def test_a_service_whose_endpoints_are_all_ready_is_live_at_its_limit_without_having_settled() -> None:
    clock = Clock(service(), custom_s=5)
    clock.related.endpoints = endpoints("1")
    assert isinstance(clock.at(1), Waiting)
    assert clock.at(5) == Ready()


@pytest.mark.parametrize(
    "pod",
    [
        shapes.pod(container=shapes.back_off(7, restarts=2)),
        shapes.pod(container=shapes.ended(3, message="model file is damaged")),
        shapes.pod(container=shapes.waiting("ImagePullBackOff", shapes.NOT_FOUND)),
        shapes.pod(container=shapes.waiting("InvalidImageName", "no image")),
        shapes.unschedulable(),
    ],
)
def test_a_deployment_is_waited_for_to_its_limit_whatever_its_pods_show(pod: Manifest) -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    clock = Clock(shapes.deployment(conditions=[late]), custom_s=303)
    clock.related = Related(pods=[pod], replica_sets=[shapes.replica_set(2)])
    assert isinstance(clock.at(1), Waiting)
    assert isinstance(clock.at(302.9), Waiting)
    assert failed(clock.at(303)).startswith("not live after 303 s: [ProgressDeadlineExceeded] timed out; 0 of 2")


def test_a_deployment_without_a_limit_of_its_own_is_waited_for_ten_minutes() -> None:
    clock = Clock(shapes.deployment())
    assert isinstance(clock.at(599.9), Waiting)
    assert failed(clock.at(600)).startswith("not live after 600 s")


@pytest.mark.parametrize(
    ("manifest", "longest"),
    [
        ({"apiVersion": "v1", "kind": "PersistentVolumeClaim"}, 300),
        ({"apiVersion": "v1", "kind": "PersistentVolume"}, 300),
        ({"apiVersion": "v1", "kind": "ResourceQuota"}, 60),
        ({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"}, 5),
    ],
)
def test_some_kinds_are_waited_for_no_longer_than_a_time_of_their_own(manifest: Manifest, longest: float) -> None:
    clock = Clock(manifest, custom_s=900)
    assert isinstance(clock.at(longest - 0.1), Waiting)
    assert failed(clock.at(longest)).startswith(f"not live after {longest} s")


def test_an_ingress_that_leads_to_no_endpoints_is_live_after_a_minute() -> None:
    paths = [{"backend": {"service": {"name": "nothing"}}}]
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    spec = {"rules": [{"http": {"paths": paths}}]}
    clock = Clock({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": spec, "status": status})
    assert isinstance(clock.at(59.9), Waiting)
    assert clock.due(0) == 60
    assert clock.at(60) == Ready()


def test_a_wait_that_is_cancelled_fails_with_what_was_awaited() -> None:
    clock = Clock(shapes.deployment(conditions=[]))
    clock.related.replica_sets = [shapes.replica_set(2)]
    assert failed(clock.at(1, cancelled=True)) == "cancelled while it was waited for: 0 of 2 replicas ready"


@pytest.mark.parametrize("kind", ["Service", "Pod", "PersistentVolumeClaim", "Anything"])
def test_what_asks_for_no_waiting_gets_none(kind: str) -> None:
    manifest: Manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"annotations": {watching.SKIP: "true"}}}
    assert watching.rule(manifest) is None
    assert watching.now_ready(manifest, Related()) is None
    manifest["metadata"]["annotations"][watching.SKIP] = "false"
    assert (watching.rule(manifest) is None) is (kind == "Anything")


def test_a_refresh_tells_of_a_workload_that_is_not_live_now() -> None:
    related = Related(replica_sets=[shapes.replica_set(2)])
    assert watching.now_ready(shapes.deployment(conditions=[]), related) == "0 of 2 replicas ready"
    assert watching.now_ready(service(), Related(endpoints=endpoints("1"))) is None
    claim: Manifest = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}
    assert watching.now_ready(claim, Related()) is None, "the real plugin does not look at this one then"


@pytest.mark.parametrize(("custom", "annotated", "expected"), [(7.0, "9", 7.0), (0.0, "9", 9.0), (0.0, None, 600.0)])
def test_custom_timeouts_come_before_the_annotation_and_that_before_the_default(
    custom: float, annotated: str | None, expected: float
) -> None:
    manifest = shapes.deployment()
    if annotated:
        manifest["metadata"]["annotations"][watching.TIMEOUT] = annotated
    assert limit_s(manifest, custom) == expected


def test_a_time_limit_that_is_no_number_is_refused() -> None:
    manifest = shapes.deployment()
    manifest["metadata"]["annotations"][watching.TIMEOUT] = "10m"
    with pytest.raises(ValueError, match="is '10m'; expected a positive whole number of seconds"):
        limit_s(manifest, 0)

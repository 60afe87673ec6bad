"""A Job is followed to its end: how far it is, what it waits for, and whose fault it was."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.batches import following
from slipway.batches.errors import BatchFailed, BatchGone, BatchRefused
from slipway.batches.following import Progress, follow
from slipway.batches.given import Batch, Input, Output
from slipway.errors.reaching import ApiRefused
from slipway.values import names
from tests.support.fake_cluster import FakeCluster

INPUT = Input("rows.npz", ".npz", 100, "digest", Path("rows.npz"), None)
BATCH = Batch("sums", "release", INPUT, Output("out", Path("out"), None), 3, "batch")
NAME = names.batch("sums", BATCH.id)


class Logged(FakeCluster):
    """A cluster with logs of pods, that goes to its next state whenever its Job is read."""

    def __init__(self, *states: str) -> None:
        super().__init__()
        self.logs: dict[str, list[dict[str, Any]]] = {}
        self._states = list(states)

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if state == "gone":
            return None
        conditions = [] if state == "runs" else [{"type": state, "status": "True", "reason": "R", "message": "M"}]
        return {"metadata": {"name": name}, "status": {"conditions": conditions}}

    def request(self, method: str, path: str, **options: Any) -> bytes:
        pod = path.split("/")[-2]
        if pod not in self.logs:
            raise ApiRefused(method, path, 400, "is waiting to start")
        return b"no event\n" + b"".join(json.dumps(one).encode() + b"\n" for one in self.logs[pod])

    def pod(self, name: str, phase: str, *events: dict[str, Any], **status: Any) -> None:
        labels = {"batch.kubernetes.io/job-name": NAME}
        metadata = {"name": name, "labels": labels, "creationTimestamp": f"2026-11-26T12:00:{len(self.objects):02d}Z"}
        self.create({"kind": "Pod", "metadata": metadata, "status": {"phase": phase, **status}})
        if events:
            self.logs[name] = list(events)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_AGAIN_S", 0.0)
    monkeypatch.setattr(following, "_HOPELESS_S", 0.0)


def followed(cluster: FakeCluster, progress: Progress | None = None) -> list[str]:
    said: list[str] = []
    follow(cluster, BATCH, "team", progress or Progress(set()), said.append)
    return said


BEGAN = {"event": "batch", "rows": 90, "parts": 3, "parts_there": 1}


def test_parts_count_once_whichever_pod_made_them() -> None:
    cluster = Logged("runs", "Complete")
    cluster.pod("first", "Failed", BEGAN, {"event": "part", "number": 1, "refused": 2})
    cluster.pod(
        "second",
        "Running",
        BEGAN,
        {"event": "part", "number": 1, "refused": 2},
        {"event": "part", "number": 2, "refused": 0},
    )
    assert followed(cluster, Progress({0})) == ["3 of 3 parts, of 90 rows, 2 rows refused"] * 2


def test_what_pods_wait_for_is_said() -> None:
    cluster = Logged("runs", "Complete")
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
    cluster.pod("waits", "Pending", conditions=[unschedulable])
    assert followed(cluster)[0] == "0 of ? parts; pod waits fits on no node: no cpu"


def test_a_quota_that_refuses_the_pods_is_said() -> None:
    cluster = Logged("runs", "Complete")
    refused = "exceeded quota: team-team, requested: requests.cpu=1, used: requests.cpu=4, limited: requests.cpu=4"
    cluster.create(
        {
            "kind": "Event",
            "metadata": {"name": "one"},
            "involvedObject": {"name": NAME},
            "reason": "FailedCreate",
            "message": refused,
        }
    )
    assert "the quota of team team (ResourceQuota team-team) refuses its pods: cpu: 4 of 4 used" in followed(cluster)[0]


def test_an_image_that_cannot_be_pulled_ends_the_job() -> None:
    cluster = Logged("runs")
    waiting = {"name": "server", "state": {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}}
    cluster.pod("one", "Pending", containerStatuses=[waiting])
    with pytest.raises(BatchFailed, match="cannot be pulled: manifest unknown"):
        followed(cluster)


def ended(code: int, reason: str = "Error") -> list[dict[str, Any]]:
    return [{"name": "server", "state": {"terminated": {"exitCode": code, "reason": reason}}}]


def test_a_row_that_was_refused_is_the_person_s_and_a_model_that_must_not_serve_is_not() -> None:
    cluster = Logged("Failed")
    said = {"event": "failed", "reason": "rows 4 to 7: `y` is 9; allowed: at most 8"}
    cluster.pod("one", "Failed", said, containerStatuses=ended(1))
    with pytest.raises(BatchRefused, match=r"rows.npz: rows 4 to 7: `y` is 9; allowed: at most 8; next: ") as refused:
        followed(cluster)
    assert refused.value.exit_code == 1
    cluster.pod("two", "Failed", {"event": "failed", "reason": "wrong answer"}, containerStatuses=ended(3))
    with pytest.raises(BatchFailed, match="wrong answer; the parts that it made stay") as failed:
        followed(cluster)
    assert failed.value.exit_code == 2


def test_too_little_memory_and_what_only_the_job_knows_are_said() -> None:
    cluster = Logged("Failed")
    with pytest.raises(BatchFailed, match="failed: R: M;"):
        followed(cluster)
    cluster.pod("one", "Failed", containerStatuses=ended(137, "OOMKilled"))
    with pytest.raises(BatchFailed, match=r"more memory than their limit.*name more --parts"):
        followed(cluster)


def test_a_job_that_somebody_deletes_is_not_waited_for() -> None:
    with pytest.raises(BatchGone, match="was cancelled"):
        followed(Logged("runs", "gone"))

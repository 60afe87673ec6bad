"""One run at a time deploys a model (on a fake cluster)."""

import subprocess
import threading
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.deploy import model_lock
from slipway.deploy.model_lock import ModelLock
from slipway.engine.process import TABLE, Process
from slipway.errors.failures import Interrupted, LockLost, ModelLocked
from slipway.values.names import lock
from tests.support.fake_cluster import FakeCluster

LEASE = ("Lease", lock("digits"))


def held_by(cluster: FakeCluster, holder: str, renewed_s_ago: float = 0) -> None:
    renewed = datetime.now(UTC) - timedelta(seconds=renewed_s_ago)
    cluster.create(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": lock("digits")},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": 20,
                "renewTime": renewed.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            },
        }
    )


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def said() -> list[str]:
    return []


def locked(cluster: FakeCluster, said: list[str], cancelled: threading.Event | None = None) -> ModelLock:
    return ModelLock(cluster, "digits", said.append, cancelled or threading.Event())


def test_a_free_model_is_held_inside_and_free_again_behind(cluster: FakeCluster, said: list[str]) -> None:
    with locked(cluster, said):
        assert cluster.objects[LEASE]["spec"]["holderIdentity"] == str(TABLE.own)
    assert LEASE not in cluster.objects
    assert said == []


def test_an_error_inside_frees_the_model(cluster: FakeCluster, said: list[str]) -> None:
    with pytest.raises(ValueError, match="boom"), locked(cluster, said):
        raise ValueError("boom")
    assert LEASE not in cluster.objects


def test_a_living_holder_is_waited_for_and_named(
    cluster: FakeCluster, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_lock, "_RETRY_S", 0.01)
    monkeypatch.setattr(model_lock, "_WAIT_LIMIT_S", 0.03)
    held_by(cluster, "laptop/77")
    with pytest.raises(ModelLocked, match="laptop/77"), locked(cluster, said):
        pytest.fail("the model was held by another")
    assert said[0] == "waiting for laptop/77, which is deploying it"
    assert cluster.objects[LEASE]["spec"]["holderIdentity"] == "laptop/77"


def test_waiting_ends_when_the_holder_lets_go(
    cluster: FakeCluster, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_lock, "_RETRY_S", 0.01)
    held_by(cluster, "laptop/77")
    threading.Timer(0.05, lambda: cluster.delete(*LEASE)).start()
    with locked(cluster, said):
        assert cluster.objects[LEASE]["spec"]["holderIdentity"] != "laptop/77"
    assert said


def test_waiting_can_be_interrupted(cluster: FakeCluster, said: list[str]) -> None:
    held_by(cluster, "laptop/77")
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Interrupted), locked(cluster, said, cancelled):
        pytest.fail("the model was held by another")


def test_an_expired_lease_is_taken_over(cluster: FakeCluster, said: list[str]) -> None:
    held_by(cluster, "laptop/77", renewed_s_ago=21)
    with locked(cluster, said):
        assert cluster.objects[LEASE]["spec"]["holderIdentity"] != "laptop/77"


@pytest.fixture
def killed() -> Process:
    """A process of this machine that was there."""
    child = subprocess.Popen(["sleep", "60"])
    named = TABLE.child(child.pid)
    child.kill()
    child.wait()
    return named


def test_a_holder_killed_on_this_host_is_not_waited_for(cluster: FakeCluster, said: list[str], killed: Process) -> None:
    held_by(cluster, str(killed))
    with locked(cluster, said):
        assert cluster.objects[LEASE]["spec"]["holderIdentity"] == str(TABLE.own)
    assert said == []


@pytest.mark.parametrize(("field", "value"), [("namespace", "4026532177"), ("boot", "another"), ("host", "laptop")])
def test_a_holder_of_another_pid_namespace_boot_or_host_keeps_the_model_until_its_lease_ends(
    cluster: FakeCluster,
    said: list[str],
    killed: Process,
    field: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_lock, "_RETRY_S", 0.01)
    monkeypatch.setattr(model_lock, "_WAIT_LIMIT_S", 0.03)
    parts = [value if name == field else str(part) for name, part in asdict(killed).items()]
    held_by(cluster, "/".join(parts))
    with pytest.raises(ModelLocked), locked(cluster, said):
        pytest.fail("the model was held by another")
    assert said[0] == f"waiting for {parts[0]} (process {killed.pid}), which is deploying it"


def test_a_holder_that_only_says_host_and_number_keeps_the_model_until_its_lease_ends(
    cluster: FakeCluster, said: list[str], killed: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_lock, "_RETRY_S", 0.01)
    monkeypatch.setattr(model_lock, "_WAIT_LIMIT_S", 0.03)
    held_by(cluster, f"{killed.host}/{killed.pid}")
    with pytest.raises(ModelLocked), locked(cluster, said):
        pytest.fail("the model was held by another")


def test_a_lease_taken_by_another_is_noticed_and_left_alone(
    cluster: FakeCluster, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_lock, "_RENEW_S", 0.01)
    with locked(cluster, said) as lock_held:
        lock_held.check()
        cluster.objects[LEASE]["spec"]["holderIdentity"] = "laptop/77"
        lock_held._renewer.join(5)
        with pytest.raises(LockLost, match="laptop/77"):
            lock_held.check()
    assert cluster.objects[LEASE]["spec"]["holderIdentity"] == "laptop/77"


def test_a_lease_is_renewed_while_it_is_held(
    cluster: FakeCluster, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_lock, "_RENEW_S", 0.01)
    renewed = threading.Event()
    replace = cluster.replace

    def replace_and_tell(manifest: dict[str, Any]) -> dict[str, Any]:
        renewed.set()
        return replace(manifest)

    monkeypatch.setattr(cluster, "replace", replace_and_tell)
    with locked(cluster, said):
        assert renewed.wait(5)


def test_a_cluster_that_is_away_for_a_moment_does_not_end_the_lock(
    cluster: FakeCluster, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_lock, "_RENEW_S", 0.01)
    with locked(cluster, said) as lock_held:
        cluster.down = True
        while not said:
            lock_held._renewer.join(0.01)
        cluster.down = False
        lock_held.check()
    assert "trying again" in said[0]

"""The volume of metrics goes before the driver that deletes it; other volumes are nobody's business here."""

import json

import pytest

from slipway.environments.running import aws_volumes
from slipway.environments.running.aws_volumes import remove_metrics
from slipway.errors.failures import LeftBehind
from slipway.errors.reaching import ApiRefused
from tests.support.clock import Clock

PROMETHEUSES = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(aws_volumes, "time", made)
    return made


class FakeCluster:
    """A cluster whose volumes go some looks after Prometheus is deleted; never, when None."""

    def __init__(self, *claimed_in: str | None, looks: int | None, kind_there: bool = True) -> None:
        self.volumes = list(claimed_in)
        self.left, self.kind_there = looks, kind_there
        self.deleted: list[str] = []

    def request(self, method: str, path: str) -> bytes:
        if method == "DELETE":
            self.deleted.append(path)
            if not self.kind_there:
                raise ApiRefused(method, path, 404, "the server could not find the requested resource")
            return b"{}"
        assert path == "/api/v1/persistentvolumes"
        if self.deleted and self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.volumes = [claim for claim in self.volumes if claim != "monitoring"]
        items = [
            {"metadata": {"name": f"pvc-{at}"}, "spec": {"claimRef": {"namespace": claim}} if claim else {}}
            for at, claim in enumerate(self.volumes)
        ]
        return json.dumps({"items": items}).encode()


def silent(_: str) -> None:
    """Nobody listens."""


def test_prometheus_is_deleted_and_its_volume_waited_for(clock: Clock) -> None:
    cluster = FakeCluster("team-a", "monitoring", None, looks=3)
    remove_metrics(cluster, "prod", silent)  # type: ignore[arg-type]
    assert cluster.deleted == [PROMETHEUSES]
    assert cluster.volumes == ["team-a", None]
    assert 0 < clock.now < 60


def test_without_a_volume_prometheus_is_left_to_its_chart(clock: Clock) -> None:
    cluster = FakeCluster("team-a", None, looks=0)
    remove_metrics(cluster, "prod", silent)  # type: ignore[arg-type]
    assert (cluster.deleted, clock.now) == ([], 0.0)


def test_a_volume_that_an_earlier_run_left_is_waited_for_without_prometheus() -> None:
    cluster = FakeCluster("monitoring", looks=1, kind_there=False)
    remove_metrics(cluster, "prod", silent)  # type: ignore[arg-type]
    assert cluster.volumes == []


def test_a_volume_that_stays_is_named_after_ten_minutes(clock: Clock) -> None:
    with pytest.raises(LeftBehind, match="PersistentVolume pvc-0, with metrics"):
        remove_metrics(FakeCluster("monitoring", looks=None), "prod", silent)  # type: ignore[arg-type]
    assert 600 <= clock.now < 660

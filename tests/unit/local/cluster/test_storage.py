"""When a volume of the local cluster is wiped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway.local.cluster import storage
from slipway.local.cluster.api import path_of


class Volumes:
    """An API with volumes in the given phases."""

    def __init__(self, phases: Mapping[str, str]) -> None:
        self.phases = dict(phases)
        self.deleted: list[str] = []

    def get(self, path: str) -> dict[str, Any] | None:
        phase = self.phases.get(path.rpartition("/")[2])
        return None if phase is None else {"status": {"phase": phase}}

    def delete(self, path: str) -> None:
        self.deleted.append(path.rpartition("/")[2])

    def apply(self, item: Mapping[str, Any]) -> None:
        self.phases.setdefault(path_of(item).rpartition("/")[2], "Available")


def test_a_volume_whose_claim_is_gone_is_wiped_and_one_in_use_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(storage, "home", lambda: tmp_path)
    for number in (0, 1):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "row").touch()
    api = Volumes({"local-0": "Bound", "local-1": "Released"})
    monkeypatch.setattr(storage, "Api", lambda: api)
    assert storage.ensure(lambda _: None) == "32 volumes of 2Gi, 1 wiped"
    assert api.deleted == ["local-1"]
    assert (tmp_path / "0" / "row").exists()
    assert list((tmp_path / "1").iterdir()) == []
    assert len(list(tmp_path.iterdir())) == storage.COUNT


def test_the_status_counts_free_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {f"local-{number}": "Available" for number in range(1, 16)}
    monkeypatch.setattr(storage, "Api", lambda: Volumes({"local-0": "Bound", **free}))
    assert storage.status() == "15 of 32 free"

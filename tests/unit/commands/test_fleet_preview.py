"""What `preview` says of a fleet, before and while its rings are open; registries are named, not asked."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipway.commands.previewing import fleet as previewing
from slipway.edge.conduct import FleetReturned
from slipway.errors.base import UserError
from slipway.errors.images import RegistryFailed
from tests.support.fleet_project import IMAGE, SETTINGS, Devices, fleet_project, good_devices, slipway
from tests.support.planned import FIXTURES

GOLDEN = FIXTURES.parent / "golden" / "previews"
Golden = Callable[[Path, str], None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(previewing, "digest_there", lambda _: IMAGE.partition("@")[2])
    return fleet_project(tmp_path, monkeypatch)


@pytest.fixture
def devices(project: Path) -> Iterator[Devices]:
    yield from good_devices(project)


def change(project: Path) -> None:
    """Another version of the model, which gets more memory."""
    spec = project / "project/models/digits.yaml"
    text = spec.read_text()
    assert "version: 1.1.0" in text
    assert "memory: 256Mi" in text
    spec.write_text(text.replace("version: 1.1.0", "version: 1.2.0").replace("memory: 256Mi", "memory: 300Mi"))


def previewed() -> dict[str, str]:
    (model,) = json.loads(slipway("preview", "edge-eu", "--json"))["models"]
    return model  # type: ignore[no-any-return]


def test_a_fleet_that_is_not_there_is_not_made_by_looking(project: Path) -> None:
    said = slipway("preview", "edge-eu")
    assert "edge-eu: 1 new" in said
    assert "not enrolled, and not looked at: box-1, box-2" in said
    assert not (project / "fleet.sqlite").exists()


@pytest.mark.usefixtures("devices")
def test_a_ring_is_previewed_device_by_device(project: Path, golden: Golden) -> None:
    slipway("up", "edge-eu", "--yes")
    assert previewed()["does"] == "unchanged"
    change(project)
    golden(GOLDEN / "fleet.md", slipway("preview", "edge-eu", "--markdown"))
    assert previewed()["does"] == "changed"


@pytest.mark.usefixtures("devices")
def test_of_an_image_that_cannot_be_asked_for_or_is_not_there_it_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slipway("up", "edge-eu", "--yes")

    def fails(reference: str) -> str:
        raise RegistryFailed(reference, "no answer")

    monkeypatch.setattr(previewing, "digest_there", fails)
    assert [previewed()[name] for name in ("does", "image")] == ["unknown", "unknown"]
    monkeypatch.setattr(previewing, "digest_there", lambda _: None)
    assert [previewed()[name] for name in ("does", "image")] == ["changed", "new"]
    change(project)
    monkeypatch.setattr(previewing, "digest_there", fails)
    assert [previewed()[name] for name in ("does", "image")] == ["changed", "unknown"]


def test_what_up_refuses_is_shown_and_refused(project: Path, devices: Devices) -> None:
    devices.says = lambda _: "failed"
    with pytest.raises(FleetReturned):
        slipway("up", "edge-eu", "--yes")
    with pytest.raises(UserError, match="was stopped: 1 of 1 devices failed in ring canary"):
        slipway("preview", "edge-eu")
    spec = project / "project/models/digits.yaml"
    spec.write_text(spec.read_text().replace("memory: 256Mi", "memory: 256Gi"))
    with pytest.raises(UserError, match="more than a node of any pool of edge-eu offers"):
        slipway("preview", "edge-eu", "--markdown")


@pytest.mark.usefixtures("devices")
def test_a_model_that_left_the_settings_stays_until_down_and_that_is_said(project: Path) -> None:
    slipway("up", "edge-eu", "--yes")
    path = project / "project/stacks/Pulumi.edge-eu.yaml"
    path.write_text(SETTINGS.replace("models: [digits]", "models: [sums]"))
    spec = project / "project/models/digits.yaml"
    (project / "project/models/sums.yaml").write_text(spec.read_text().replace("name: digits", "name: sums"))
    lock = project / "project/models/digits.lock.yaml"
    (project / "project/models/sums.lock.yaml").write_text(lock.read_text().replace("model: digits", "model: sums"))
    spec.unlink()
    lock.unlink()
    said = slipway("preview", "edge-eu")
    assert "digits: no spec or setting puts it here any more; it stays on its devices until slipway down" in said

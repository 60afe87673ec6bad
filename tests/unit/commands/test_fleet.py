"""Commands about a fleet, from its settings to what they print; images are named, not built, and devices simulated."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.commands.inspecting.fleet_verify import FleetNotGood
from slipway.edge.conduct import FleetReturned, wait_gone
from slipway.edge.store import opened
from slipway.errors.base import UserError
from tests.support.fleet_project import SETTINGS, Devices, fleet_project, good_devices, slipway


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return fleet_project(tmp_path, monkeypatch)


@pytest.fixture
def devices(project: Path) -> Iterator[Devices]:
    yield from good_devices(project)


def test_a_plan_says_what_goes_where_and_what_nobody_said(project: Path) -> None:
    said = slipway("plan", "edge-eu")
    assert "digits  1.1.0    2        x86-box" in said
    assert "without x86-box, whose price nobody said" in said


def test_a_plan_of_two_architectures_names_both(project: Path) -> None:
    path = project / "project/stacks/Pulumi.edge-eu.yaml"
    path.write_text(SETTINGS.replace("name: box-2, hardware: x86-box", "name: box-2, hardware: raspberry-pi-4"))
    assert "  amd64, arm64  " in slipway("plan", "edge-eu")
    (model,) = json.loads(slipway("plan", "edge-eu", "--json"))["models"]
    assert sorted(model["images"]) == ["amd64", "arm64"]


def test_models_that_have_no_memory_for_a_second_version_are_refused(project: Path) -> None:
    small = "    hardware: {x86-box: {architecture: amd64, cores: 4, ghz: 2, operations: 16, memory: 1400Mi}}\n"
    (project / "project/stacks/Pulumi.edge-eu.yaml").write_text(SETTINGS + small)
    with pytest.raises(UserError, match="digits need 256Mi, and 256Mi more while a new version starts"):
        slipway("plan", "edge-eu")


def test_processors_that_a_class_does_not_have_are_refused_where_they_are_written(project: Path) -> None:
    models = 'models: [{name: digits, cpuset: "0,64"}]'
    (project / "project/stacks/Pulumi.edge-eu.yaml").write_text(SETTINGS.replace("models: [digits]", models))
    with pytest.raises(UserError, match=r"models\[0\].cpuset: on x86-box: there is no processor 64; allowed: proc"):
        slipway("plan", "edge-eu")


def test_a_device_with_kubernetes_is_planned_held_and_shown_as_such(project: Path) -> None:
    path = project / "project/stacks/Pulumi.edge-eu.yaml"
    k3s = "{architecture: amd64, cores: 4, ghz: 2, operations: 16, memory: 2Gi, runs_on: kubernetes}"
    with_k3s = SETTINGS.replace("box-2, hardware: x86-box", "box-2, hardware: k3s")
    path.write_text(f"{with_k3s}    hardware: {{k3s: {k3s}}}\n")
    assert "k3s, Kubernetes  1        amd64         1Gi" in slipway("plan", "edge-eu")
    hardware = json.loads(slipway("plan", "edge-eu", "--json"))["hardware"]
    assert [name for name, said in hardware.items() if said.get("runs_on") == "kubernetes"] == ["k3s"]
    path.write_text(f"{with_k3s}    hardware: {{k3s: {k3s.replace('2Gi', '1400Mi')}}}\n")
    with pytest.raises(UserError, match="on k3s: digits need 256Mi, and 256Mi more"):
        slipway("plan", "edge-eu")
    path.write_text(f"{with_k3s}    hardware: {{k3s: {k3s}}}\n")
    spec = project / "project/models/digits.yaml"
    spec.write_text(spec.read_text().replace("model.onnx}", "model.onnx, delivery: store}"))
    with pytest.raises(UserError, match="has weights outside of its image, which no pod of a device fetches"):
        slipway("plan", "edge-eu")
    pinned = with_k3s.replace("models: [digits]", 'models: [{name: digits, cpuset: "0"}]')
    path.write_text(f"{pinned}    hardware: {{k3s: {k3s}}}\n")
    with pytest.raises(UserError, match="has a source or a cpuset, which reach no pod of a device"):
        slipway("plan", "edge-eu")


@pytest.mark.usefixtures("project")
def test_the_way_to_the_devices_is_drawn_with_its_rings() -> None:
    drawn = slipway("graph", "edge-eu")
    assert "2 x86-box to control side (asks and reports, signed; nothing connects to it)." in drawn
    assert "digits: rings of so many of 2 devices: canary 1, tenth 1, fleet 2." in drawn


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "command",
    ["logs edge-eu digits", "price edge-eu", "render edge-eu", "graph edge-eu --of security", "controls edge-eu"],
)
def test_commands_about_a_cluster_are_refused_in_words(command: str) -> None:
    with pytest.raises(UserError, match="is a fleet of devices, which are in no cluster or account"):
        slipway(*command.split())


@pytest.mark.usefixtures("project")
def test_commands_about_a_fleet_are_refused_of_a_cluster() -> None:
    with pytest.raises(UserError, match="is no fleet of devices"):
        slipway("devices", "list", "local")


def test_up_ends_when_the_fleet_has_it_and_down_when_it_is_gone(devices: Devices) -> None:
    slipway("up", "edge-eu", "--yes")
    assert slipway("status", "edge-eu").count(" good ") == 2
    assert "taken off edge-eu\n" in slipway("down", "edge-eu", "--yes")


def test_a_ring_waits_for_approval_which_is_noted_with_who_gave_it(devices: Devices, project: Path) -> None:
    waiting = "    rings: [{name: canary, devices: 1}, {name: fleet, share: 100%, approval: true}]\n"
    (project / "project/stacks/Pulumi.edge-eu.yaml").write_text(SETTINGS + waiting)
    with pytest.raises(UserError, match='"digits" is not known'):
        slipway("edge", "approve", "edge-eu", "digits")
    assert "ring fleet waits for approval" in slipway("up", "edge-eu", "--yes")
    assert slipway("status", "edge-eu").count(" good ") == 1
    with pytest.raises(UserError, match='"canary" waits for no approval'):
        slipway("edge", "approve", "edge-eu", "digits", "--ring", "canary")
    assert "ring fleet of release" in slipway("edge", "approve", "edge-eu", "digits")
    with pytest.raises(UserError, match='"digits" waits for no approval'):
        slipway("edge", "approve", "edge-eu", "digits")
    assert "all 2 devices may have it" in slipway("up", "edge-eu", "--yes")
    page = project / "page.html"
    slipway("status", "edge-eu", "--html", str(page))
    text = page.read_text()
    assert text.count("<polygon") == 2
    assert "ring canary: 1 of 1 good; ring fleet: 1 of 1 good" in text
    assert "approved fleet" in text
    noted = slipway("audit", "edge-eu")
    assert "digits fleet" in noted
    assert "ring approve" in noted
    assert devices.trouble == []


@pytest.mark.usefixtures("devices")
def test_a_log_comes_with_a_report_if_telemetry_names_it(project: Path) -> None:
    with pytest.raises(UserError, match=r"telemetry: \"latency, errors\" does not name logs"):
        slipway("devices", "logs", "edge-eu", "box-1")
    (project / "project/stacks/Pulumi.edge-eu.yaml").write_text(SETTINGS + "    telemetry: [logs]\n")
    slipway("up", "edge-eu", "--yes")
    assert [line.split()[1:] for line in slipway("devices", "logs", "edge-eu", "box-1").splitlines()] == [
        ["started"],
        ["taken", "{}"],
    ]
    assert len(slipway("devices", "logs", "edge-eu", "box-1", "--since", "1m").splitlines()) == 1
    with pytest.raises(UserError, match='"box-9" is not known'):
        slipway("devices", "logs", "edge-eu", "box-9")


def test_verify_says_what_devices_report_and_ends_with_2_when_one_is_not_good(devices: Devices) -> None:
    slipway("up", "edge-eu", "--yes")
    assert ": done; 2 good\n" in slipway("verify", "edge-eu")
    devices.says = lambda _: "failed"
    with pytest.raises(FleetNotGood, match="digits is not good on box-1") as found:
        until(lambda: slipway("verify", "edge-eu"))
    assert found.value.exit_code == 2


def test_up_ends_with_2_when_the_fleet_goes_back_and_again_is_another_release(devices: Devices) -> None:
    devices.says = lambda _: "failed"
    with pytest.raises(FleetReturned, match="1 of 1 devices failed in ring canary") as ended:
        slipway("up", "edge-eu", "--yes")
    assert ended.value.exit_code == 2
    with pytest.raises(UserError, match="was stopped"):
        slipway("up", "edge-eu", "--yes")
    bad = first_release()
    devices.says = lambda one: "failed" if one["release"] == bad else "good"
    slipway("up", "edge-eu", "digits", "--again", "--yes")
    assert first_release() != bad


def until(look: Callable[[], str]) -> None:
    """Look until it raises; devices report within the minute."""
    for _ in range(600):
        look()
        time.sleep(0.1)
    raise AssertionError("nothing was raised within a minute")


def test_weights_outside_of_the_image_are_kept_for_devices_until_none_needs_them(
    project: Path, devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = project / "project/models/digits.yaml"
    spec.write_text(spec.read_text().replace("model.onnx}", "model.onnx, delivery: store}"))
    said = slipway("plan", "edge-eu")
    assert "are fetched by each device from the control side at http://127.0.0.1:8099 (as artifact.delivery" in said
    slipway("up", "edge-eu", "--yes")
    with opened(project / "fleet.sqlite") as store:
        (entry,) = store.releases().values()
    (file,) = entry["weights"]["files"]
    assert entry["weights"]["folder"] == "/model"
    kept = project / "fleet.weights" / file["sha256"]
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == file["sha256"]
    monkeypatch.setattr("slipway.edge.shelf.FRESH_S", -1.0)
    slipway("up", "edge-eu", "--yes")
    assert kept.exists()
    slipway("down", "edge-eu", "--yes")
    assert not kept.exists()


def first_release() -> Any:
    """The release of the fleet's only rollout."""
    return slipway("status", "edge-eu").partition("release ")[2][:16]


def test_a_key_in_clear_in_the_project_or_of_another_fleet_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="lies in the project"):
        slipway("devices", "key", "stacks/fleet.pem")
    slipway("devices", "add", "edge-eu", "box-1")
    slipway("devices", "key", str(project / "other.pem"))
    monkeypatch.setenv("SLIPWAY_FLEET_KEY", str(project / "other.pem"))
    with pytest.raises(UserError, match="devices were enrolled with another"):
        slipway("devices", "add", "edge-eu", "box-2")
    (project / "clear.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    for named, problem in (
        (str(project / "clear.pem"), "is not encrypted"),
        ("-----BEGIN PRIVATE KEY-----", "holds a key itself"),
        ("env://NOBODY_SET_THIS", "which is empty"),
        ("", "is not set"),
    ):
        monkeypatch.setenv("SLIPWAY_FLEET_KEY", named)
        with pytest.raises(UserError, match=problem):
            slipway("devices", "add", "edge-eu", "box-1")


@pytest.mark.usefixtures("devices")
def test_a_key_takes_the_place_of_another_once_devices_heard_of_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = str(project / "new.pem")
    with pytest.raises(UserError, match="no other was introduced"):
        slipway("devices", "retire-key", "edge-eu", "--yes")
    slipway("up", "edge-eu", "--yes")
    slipway("devices", "key", new)
    slipway("devices", "introduce-key", "edge-eu", new)
    with pytest.raises(UserError, match="which was not introduced"):
        slipway("devices", "retire-key", "edge-eu", "--yes")
    shown(lambda: slipway("devices", "introduce-key", "edge-eu", new), "every device has its document")
    monkeypatch.setenv("SLIPWAY_FLEET_KEY", new)
    with pytest.raises(UserError, match="devices were enrolled with another"):
        slipway("up", "edge-eu", "--yes")
    assert "every device has its document" in slipway("devices", "retire-key", "edge-eu", "--yes")
    assert "all 2 devices may have it" in slipway("up", "edge-eu", "--yes")
    shown(lambda: slipway("verify", "edge-eu"), "2 good")
    monkeypatch.setenv("SLIPWAY_FLEET_KEY", str(project / "fleet.pem"))
    with pytest.raises(UserError, match="devices were enrolled with another"):
        slipway("up", "edge-eu", "--yes")
    assert slipway("audit", "edge-eu").count("fleet key ") == 2


def test_devices_that_did_not_hear_of_a_new_key_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = str(project / "new.pem")
    tokens = {"box-1": slipway("devices", "add", "edge-eu", "box-1").strip()}
    with Devices(project / "fleet.sqlite", tokens, lambda _: "good") as running:
        assert running.enrolled.wait(60)
    slipway("devices", "key", new)
    assert "not heard of yet: box-1" in slipway("devices", "introduce-key", "edge-eu", new)
    monkeypatch.setenv("SLIPWAY_FLEET_KEY", new)
    with pytest.raises(UserError, match="--yes"):
        slipway("devices", "retire-key", "edge-eu")
    assert "not heard of yet: box-1" in slipway("devices", "retire-key", "edge-eu", "--yes")


def shown(look: Callable[[], str], wanted: str) -> None:
    """Look until something is shown; devices report within the minute."""
    for _ in range(600):
        if wanted in look():
            return
        time.sleep(0.1)
    raise AssertionError(f"{wanted} was not shown within a minute")


def test_a_wrong_password_opens_no_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_FLEET_PASSWORD", "another")
    with pytest.raises(UserError, match="cannot be opened"):
        slipway("devices", "add", "edge-eu", "box-1")


def test_the_control_side_answers_others_with_tls_alone(project: Path) -> None:
    with pytest.raises(UserError, match="tokens would travel in clear"):
        slipway("edge", "serve", "edge-eu", "--host", "0.0.0.0")


def test_down_waits_for_whoever_may_still_run_something_and_not_for_who_is_told_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "fleet.sqlite") as store, store.changing():
        for name in ("box-1", "box-2"):
            assert store.enrol(store.invite(name), name, b"k" * 32, 1.0)
            store.set_document(name, 1, "digest", b"{}")
            store.reported(name, {"serial": 1}, [("digits", "release", "good", "")])
        assert wait_gone(store, None, 1.0, lambda _: True) == ["box-1", "box-2"]
        assert wait_gone(store, ["other"], 1.0, lambda _: True) == []
        store.set_state("box-2", "revoked")
        assert wait_gone(store, None, 1.0, lambda _: True) == ["box-1"]


@pytest.mark.usefixtures("project")
def test_what_holds_no_data_here_is_not_deleted_by_name() -> None:
    with pytest.raises(UserError, match='"control-side"'):
        slipway("down", "edge-eu", "--yes", "--delete-data", "control-side")


def test_private_counts_are_shown_added_over_the_devices_of_the_settings(project: Path) -> None:
    assert slipway("devices", "counts", "edge-eu") == ""
    said = {"model": "digits", "window": 3, "output": "label", "epsilon": 1.0, "per_s": 86_400}
    with opened(project / "fleet.sqlite") as store, store.changing():
        for name, seven in (("box-1", 10), ("box-2", -1), ("gone", 100)):
            token = store.invite(name)
            assert store.enrol(token, name, name.encode().ljust(32), time.time())
            counts = {"7": seven, "other": 1}
            store.reported(name, {"serial": 0, "models": [], "aggregates": [{**said, "counts": counts}]}, ())
    shown = [line.split() for line in slipway("devices", "counts", "edge-eu").splitlines()]
    assert shown[1:] == [["digits", "7", "9", "1.9", "2", "1d"], ["digits", "other", "2", "1.9", "2", "1d"]]
    found = json.loads(slipway("devices", "counts", "edge-eu", "--json"))["aggregates"][0]
    assert (found["count"], found["standardError"], found["devices"], found["perS"]) == (9, 1.9, 2, 86_400)

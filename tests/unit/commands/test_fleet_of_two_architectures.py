"""A fleet of two architectures: one release of a model, an image for each, and each device with its own."""

import json
import shutil
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.commands.changing import fleet
from slipway.commands.changing.session import Options
from slipway.commands.context import EnvironmentContext, Folders
from slipway.edge.conduct import Conductor
from slipway.edge.documents import content, entry
from slipway.edge.store import opened
from slipway.errors.base import UserError
from slipway.plan.model import ModelPlan
from slipway.runtimes.onnxruntime import OnnxRuntime
from slipway.settings.edge import EdgeSettings
from tests.support.fleets import new_key
from tests.support.planned import ROOT

SETTINGS: dict[str, Any] = {
    "kind": "edge",
    "control": "http://127.0.0.1:8099",
    "registry": "registry.example.com",
    "base_image": "registry.example.com/slipway/base:bookworm-py311",
    "models": ["digits"],
    "sites": ["berlin"],
    "devices": [
        {"name": "box-1", "hardware": "x86-box", "site": "berlin"},
        {"name": "pi-1", "hardware": "raspberry-pi-4", "site": "berlin"},
    ],
    "success": {"hold": "1ms"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("digits.yaml", "digits.lock.yaml", "digits"):
        (tmp_path / "models").mkdir(exist_ok=True)
        source = ROOT / "models" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "models" / name)
    (tmp_path / "stacks").mkdir()
    shutil.copy(ROOT / "stacks/Pulumi.local.yaml", tmp_path / "stacks")
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    return tmp_path


def context(folder: Path, /, resources: dict[str, str] | None = None, **changed: Any) -> EnvironmentContext:
    """The fleet, with settings that are changed; `resources`: of the spec."""
    stack = {"config": {"slipway:environment": SETTINGS | changed}}
    (folder / "stacks/Pulumi.edge-eu.yaml").write_text(yaml.safe_dump(stack))
    if resources is not None:
        spec = yaml.safe_load((ROOT / "models/digits.yaml").read_text()) | {"resources": resources, "environments": {}}
        (folder / "models/digits.yaml").write_text(yaml.safe_dump(spec))
    return EnvironmentContext("edge-eu", Folders(models=folder / "models", settings=folder / "stacks"))


def images(model: ModelPlan) -> dict[str, str]:
    return {name: f"{image.repository}@sha256:{name}" for name, image in model.images.items()}


def test_a_model_has_an_image_for_each_architecture_and_each_stands_on_its_own_libraries(folder: Path) -> None:
    (model,) = context(folder).plan.models
    assert list(model.images) == ["amd64", "arm64"]
    amd, arm = model.images.values()
    assert (amd.runtime.architecture, arm.runtime.architecture) == ("amd64", "arm64")
    assert amd.repository == arm.repository
    assert len({amd.tag, arm.tag, amd.runtime.tag, arm.runtime.tag}) == 4
    assert [file.image_path for file in amd.files] == [file.image_path for file in arm.files]


def test_each_device_is_told_the_image_that_it_runs_and_all_the_same_release(folder: Path) -> None:
    opened_ = context(folder)
    settings = opened_.settings
    assert isinstance(settings, EdgeSettings)
    (model,) = opened_.plan.models
    said = entry(model, images(model), 8080)
    documents = [content("edge-eu", settings, name, [said])["models"] for name in ("box-1", "pi-1")]
    assert [one["image"].rpartition(":")[2] for (one,) in documents] == ["amd64", "arm64"]
    assert len({one["release"] for (one,) in documents}) == 1
    assert ["images" in one for (one,) in documents] == [False, False]


def test_one_architecture_is_the_same_document_and_release_as_ever(folder: Path) -> None:
    opened_ = context(folder, devices=SETTINGS["devices"][:1])
    (model,) = opened_.plan.models
    assert list(model.images) == ["amd64"]
    said = entry(model, images(model), 8080)
    (kept,) = content("edge-eu", settings_of(opened_), "box-1", [said])["models"]
    assert kept == {key: value for key, value in said.items() if key != "images"} | {"image": images(model)["amd64"]}


def settings_of(opened_: EnvironmentContext) -> EdgeSettings:
    assert isinstance(opened_.settings, EdgeSettings)
    return opened_.settings


def test_a_device_whose_architecture_a_release_has_no_image_for_is_not_given_it(folder: Path) -> None:
    (model,) = context(folder, devices=SETTINGS["devices"][:1]).plan.models
    said = entry(model, images(model), 8080)
    later = EdgeSettings.model_validate(SETTINGS)
    assert content("edge-eu", later, "pi-1", [said])["models"] == []
    assert len(content("edge-eu", later, "box-1", [said])["models"]) == 1
    assert content("edge-eu", later, "gone-1", [])["models"] == []


def test_what_a_former_slipway_kept_of_a_release_is_told_as_it_was(folder: Path) -> None:
    settings = settings_of(context(folder))
    old = {"model": "digits", "release": "0" * 16, "image": "registry.example.com/digits@sha256:0"}
    assert content("edge-eu", settings, "pi-1", [old])["models"] == [old]


def test_up_makes_both_images_and_the_documents_have_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def ensured(model: ModelPlan) -> str:
        made.append(model.image.runtime.architecture)
        return f"{model.image.repository}@sha256:{made[-1]}"

    monkeypatch.setattr(fleet, "_image", ensured)
    opened_ = context(folder)
    (model,) = opened_.plan.models
    with opened(folder / "fleet.sqlite") as store:
        said = fleet._said(opened_, settings_of(opened_), store, model, Options(jobs=1, yes=True))
        conductor = Conductor("edge-eu", settings_of(opened_), store, new_key(), lambda: 1.0)
        conductor.start(said, ("box-1", "pi-1"))
        with store.changing():
            going = store.going()[0]
            store.set_progress("digits", replace(going.rollout, phase="done"))
            conductor.publish(("box-1", "pi-1"))
        told = {name: told_image(store.document(name)) for name in ("box-1", "pi-1")}
    assert made == ["amd64", "arm64"]
    assert {name: image.rpartition(":")[2] for name, image in told.items()} == {"box-1": "amd64", "pi-1": "arm64"}


def told_image(document: tuple[int, str, bytes] | None) -> str:
    assert document is not None
    (model,) = json.loads(b64decode(json.loads(document[2])["payload"]))["models"]
    return str(model["image"])


def test_a_spec_that_names_its_architecture_is_refused_where_devices_are_of_another(folder: Path) -> None:
    with pytest.raises(UserError) as refused:
        context(folder, {"cpu": "250m", "memory": "256Mi", "architecture": "amd64"}).complied()
    assert '"digits" does not run on raspberry-pi-4, by resources.architecture of its spec' in str(refused.value)


def test_a_fleet_of_arm64_alone_needs_no_word_in_the_spec(folder: Path) -> None:
    opened_ = context(folder, devices=SETTINGS["devices"][1:])
    opened_.complied()
    (model,) = opened_.plan.models
    assert list(model.images) == ["arm64"]


def test_placement_says_which_architectures_are_built(folder: Path) -> None:
    opened_ = context(folder, placement={"digits": ["x86-box"]})
    opened_.complied()
    (model,) = opened_.plan.models
    assert list(model.images) == ["amd64"]


def test_a_runtime_without_libraries_for_an_architecture_is_refused_with_what_would_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OnnxRuntime.image is not None
    monkeypatch.setattr(OnnxRuntime, "image", replace(OnnxRuntime.image, architectures=("amd64",)))
    with pytest.raises(UserError) as refused:
        context(folder).complied()
    text = str(refused.value)
    assert text.startswith("models/digits.yaml:") or "/models/digits.yaml:" in text
    assert '"onnxruntime" has libraries for amd64 alone, and the model is to run on arm64' in text
    assert "placement: {digits: [...]}" in text

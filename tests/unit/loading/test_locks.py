"""What a lock says is planned without weights; a lock that is missing or of something else is refused in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.errors.base import UserError
from slipway.loading.settings import load_settings
from slipway.loading.specs import load_spec_file, spec_files
from slipway.lockfile.files import lock_path, write_lock
from slipway.planner.environment import plan
from slipway.sources.cache import Cache
from slipway.sources.store import Store
from slipway.spec.model import ModelSpec
from tests.support.locks import BESIDE, MAIN, SPEC, lock_of, project
from tests.support.planned import CODE, FIXTURES


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Cache(tmp_path / "cache"), offline=True)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    root = tmp_path / "here"
    root.mkdir()
    return root


def refusal(path: Path, root: Path, store: Store) -> str:
    with pytest.raises(UserError) as refused:
        load_spec_file(path, root, ["local", "cloud"], store)
    return str(refused.value).replace(f"{root}/", "")


def test_a_locked_model_is_planned_without_its_weights(here: Path, store: Store, tmp_path: Path) -> None:
    loaded = load_spec_file(project(here), here, ["local", "cloud"], store)
    artifact = loaded.base.artifact
    assert [(file.name, file.sha256) for file in artifact.files] == [("model.onnx", MAIN), ("model.onnx.data", BESIDE)]
    assert artifact.size == 6000
    model = plan("local", load_settings(FIXTURES / "settings/ok", "local"), [loaded], CODE).models[0]
    assert [file.source for file in model.image.files[:2]] == [
        tmp_path / "cache/sha256" / sha for sha in (MAIN, BESIDE)
    ]
    assert model.locked is not None
    assert not (tmp_path / "cache").exists()


def test_locks_are_no_specs(here: Path) -> None:
    path = project(here)
    assert spec_files(here / "models") == [path]


def test_a_lock_that_is_needed_and_missing_is_asked_for(here: Path, store: Store) -> None:
    path = project(here)
    (here / "models/least.lock.yaml").unlink()
    assert refusal(path, here, store) == (
        "models/least.yaml:1: optimize: needs a lock, and models/least.lock.yaml does not exist; allowed: the lock "
        "that slipway lock writes, committed beside the spec; next: slipway lock least"
    )


def test_another_calibration_makes_the_lock_stale_and_both_digests_are_said(here: Path, store: Store) -> None:
    path = project(here)
    (here / "weights/rows.npz").write_bytes(b"other rows")
    assert refusal(path, here, store) == (
        "models/least.lock.yaml: is stale: it was made with another weights/rows.npz: it had the sha256 "
        "bc51e9e65d79e1c9, and 5771276d3e6d2f35 now; allowed: the lock of the spec and the files that it names, as "
        "they are now; next: slipway lock least"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"optimize": [{"quantize": "int8-dynamic"}]}, "is stale: it is of another spec: artifact, optimize had the"),
        ({"optimize": []}, "or remove the file: this spec needs no lock"),
        ({"name": "other"}, "needs a lock, and models/other.lock.yaml does not exist"),
    ],
)
def test_another_spec_makes_the_lock_stale(changes: dict[str, Any], problem: str, here: Path, store: Store) -> None:
    path = project(here)
    path.write_text(json.dumps(SPEC | changes))
    assert problem in refusal(path, here, store)


def test_what_does_not_decide_about_the_weights_leaves_the_lock_as_it_is(here: Path, store: Store) -> None:
    path = project(here)
    path.write_text(json.dumps(SPEC | {"version": "1.0.1", "resources": {"cpu": "1", "memory": "512Mi"}}))
    assert load_spec_file(path, here, ["local", "cloud"], store).base.spec.version == "1.0.1"


def test_what_no_runtime_loads_is_refused(here: Path, store: Store) -> None:
    path = project(here)
    lock = lock_of(ModelSpec.model_validate(SPEC), here)
    variant = lock.served.model_copy(update={"format": "tflite"})
    write_lock(lock.model_copy(update={"variants": (variant,)}), here / "models/least.lock.yaml")
    assert "does not load tflite, which the weights are after all steps; allowed: onnx" in refusal(path, here, store)


def test_too_little_memory_for_the_locked_weights_is_refused(here: Path, store: Store) -> None:
    path = project(here, resources={"cpu": "250m", "memory": "64Mi"})
    assert "resources.memory" in refusal(path, here, store)


def test_an_environment_with_other_steps_needs_and_has_a_lock_of_its_own(here: Path, store: Store) -> None:
    same = {"artifact": {"source": SPEC["artifact"]["source"]}}
    other = {"environments": {"cloud": {"optimize": [{"simplify": True}]}, "local": same}}
    path = project(here, **other)
    assert "needs a lock, and models/least.cloud.lock.yaml does not exist" in refusal(path, here, store)
    merged = ModelSpec.model_validate(SPEC | {"optimize": [{"simplify": True}]})
    write_lock(lock_of(merged, here), lock_path(path, "least", "cloud"))
    loaded = load_spec_file(path, here, ["local", "cloud"], store)
    found = [one.locked.file.name for name in ("local", "cloud") if (one := loaded.variant(name)).locked]
    assert found == ["least.lock.yaml", "least.cloud.lock.yaml"]

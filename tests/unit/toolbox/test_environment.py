"""How the environment of a box is made: once, whole or not at all."""

import threading
from pathlib import Path

import pytest

from slipway.toolbox.box import Box, own
from slipway.toolbox.environment import prepare
from slipway.toolbox.errors import BoxUnavailable

from .conftest import tiny_box


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return tiny_box(tmp_path / "tiny")


def test_an_environment_is_made_once(box: Box, tmp_path: Path) -> None:
    told: list[str] = []
    first = prepare(box, told.append, tmp_path / "boxes")
    assert first.exists()
    assert prepare(box, told.append, tmp_path / "boxes") == first
    assert len(told) == 1


def test_two_at_once_make_it_once(box: Box, tmp_path: Path) -> None:
    told: list[str] = []
    threads = [threading.Thread(target=prepare, args=(box, told.append, tmp_path / "boxes")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1


def test_what_a_killed_run_left_is_removed_and_made_again(box: Box, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes"
    name = f"tiny-{box.environment[:16]}"
    (boxes / f".{name}-killed" / "environment").mkdir(parents=True)
    (boxes / name).mkdir()  # without a Python: somebody removed half of it
    assert prepare(box, lambda _: None, boxes).exists()
    assert sorted(path.name for path in boxes.iterdir()) == sorted([name, f"{name}.lock"])


def test_other_pins_make_another_environment_and_other_scripts_another_result(box: Box, tmp_path: Path) -> None:
    (box.folder / "convert.py").write_text("one")
    first = Box("tiny", box.folder)
    environment, digest = first.environment, first.digest
    (box.folder / "convert.py").write_text("two")
    assert (Box("tiny", box.folder).environment == environment, Box("tiny", box.folder).digest == digest) == (
        True,
        False,
    )
    (box.folder / "uv.lock").write_text((box.folder / "uv.lock").read_text() + "\n")
    assert Box("tiny", box.folder).environment != environment


def test_what_cannot_be_had_names_the_box_and_how_to_bring_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BoxUnavailable, match=r"tool environment script.*UV_DEFAULT_INDEX"):
        prepare(own(requirements), lambda _: None, tmp_path / "boxes")
    assert not [path for path in (tmp_path / "boxes").iterdir() if path.is_dir()]


def test_requirements_without_hashes_are_refused(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("six==1.17.0\n")
    with pytest.raises(BoxUnavailable, match="hash"):
        prepare(own(requirements), lambda _: None, tmp_path / "boxes")

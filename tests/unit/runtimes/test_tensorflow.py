"""A SavedModel is a folder: what serves is its saved_model.pb, and the files below travel beside it."""

from pathlib import Path

import pytest

from slipway.reading.files import BadFile
from slipway.runtimes.registry import RUNTIMES

TENSORFLOW = RUNTIMES["tensorflow"]


def saved(folder: Path) -> Path:
    model = folder / "saved"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"graph")
    (model / "variables" / "variables.index").write_bytes(b"index")
    return model


def test_the_folder_of_a_saved_model_is_its_graph_with_all_that_lies_below(tmp_path: Path) -> None:
    found = TENSORFLOW.find_weights(saved(tmp_path), tmp_path)
    assert [(file.name, file.size) for file in found.digested().files] == [
        ("saved_model.pb", 5),
        ("variables/variables.index", 5),
    ]
    assert found.size == 10


def test_a_keras_archive_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "digits.keras").write_bytes(b"archive")
    found = TENSORFLOW.find_weights(tmp_path / "digits.keras", tmp_path)
    assert [(file.name, file.size) for file in found.digested().files] == [("digits.keras", 7)]


def test_what_is_no_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match=r"is a folder without saved_model\.pb"):
        TENSORFLOW.find_weights(tmp_path / "empty", tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    model = saved(tmp_path / "repo")
    (model / "variables" / "more").symlink_to(tmp_path / "secret")
    with pytest.raises(BadFile, match="leads out of"):
        TENSORFLOW.find_weights(model, tmp_path / "repo")

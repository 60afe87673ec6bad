"""What is unpacked of an archive, and what is refused with nothing written outside of its folder."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from slipway.formats.archives import unpack
from slipway.reading.files import BadFile


def tar_of(path: Path, *members: tarfile.TarInfo, data: bytes = b"weights") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def zip_of(path: Path, *names: str, data: bytes = b"weights", link: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if link else 0o100644) << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in" / "unpacked"
    made.mkdir(parents=True)
    return made


def test_an_archive_gives_the_folder_of_its_saved_model(tmp_path: Path, folder: Path) -> None:
    path = tar_of(tmp_path / "a.tar.gz", member("m/saved_model.pb"), member("m/variables/variables.index"))
    assert unpack(path, folder) == "m"
    assert (folder / "m/variables/variables.index").read_bytes() == b"weights"


def test_a_zip_and_a_folder_are_taken_the_same(tmp_path: Path, folder: Path) -> None:
    assert unpack(zip_of(tmp_path / "a.zip", "saved_model.pb", "variables/v"), folder) == "."
    again = tmp_path / "again"
    again.mkdir()
    assert unpack(folder, again) == "."
    assert (again / "variables/v").read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (member("../evil"), "leads out"),
        (member("m/../../evil"), "leads out"),
        (member("/tmp/evil"), "leads out"),
        (member("m/link", tarfile.SYMTYPE, "/etc/passwd"), "is a link or a device"),
        (member("m/link", tarfile.SYMTYPE, "../../.."), "is a link or a device"),
        (member("m/link", tarfile.LNKTYPE, "../../evil"), "is a link or a device"),
        (member("m/null", tarfile.CHRTYPE), "is a link or a device"),
        (member("m/pipe", tarfile.FIFOTYPE), "is a link or a device"),
        (member("m/saved_model.pb"), "twice"),
    ],
)
def test_a_tar_file_writes_nothing_outside(tmp_path: Path, folder: Path, bad: tarfile.TarInfo, says: str) -> None:
    path = tar_of(tmp_path / "a.tar.gz", member("m/saved_model.pb"), bad)
    with pytest.raises(BadFile, match=says):
        unpack(path, folder)
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil"])
def test_a_zip_file_writes_nothing_outside(tmp_path: Path, folder: Path, name: str) -> None:
    with pytest.raises(BadFile, match="leads out"):
        unpack(zip_of(tmp_path / "a.zip", name), folder)
    assert not list(tmp_path.rglob("evil"))


def test_a_link_in_a_zip_file_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BadFile, match="is a link"):
        unpack(zip_of(tmp_path / "a.zip", "saved_model.pb", data=b"/etc/passwd", link=True), folder)


def test_a_link_out_of_a_folder_is_refused(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "model"
    source.mkdir()
    (source / "saved_model.pb").write_bytes(b"weights")
    (source / "key").symlink_to("/etc/passwd")
    with pytest.raises(BadFile, match="has 'key', which leads out of"):
        unpack(source, folder)
    assert not (folder / "key").exists()


def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path, folder: Path) -> None:
    path = zip_of(tmp_path / "a.zip", "saved_model.pb", data=bytes(16 * 2**20))
    with pytest.raises(BadFile, match="times as large when it is unpacked"):
        unpack(path, folder)
    assert not list(folder.iterdir())


def test_more_than_is_allowed_is_refused(tmp_path: Path, folder: Path) -> None:
    path = tar_of(tmp_path / "a.tar.gz", member("saved_model.pb"), member("variables"), data=os.urandom(1000))
    with pytest.raises(BadFile, match="would be more than 1500"):
        unpack(path, folder, max_bytes=1500)


@pytest.mark.parametrize("cut", [600, 1000])
def test_a_cut_off_archive_is_refused(tmp_path: Path, folder: Path, cut: int) -> None:
    path = tar_of(tmp_path / "a.tar.gz", member("saved_model.pb"), member("variables"), data=os.urandom(1000))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(BadFile, match=r"broken tar file|cannot be read"):
        unpack(path, folder)


def test_an_archive_without_a_saved_model_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BadFile, match="has 0 files saved_model"):
        unpack(zip_of(tmp_path / "a.zip", "model.onnx"), folder)

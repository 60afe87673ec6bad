"""Image archives: the same content gives the same bytes."""

import json
import os
import tarfile
from pathlib import Path
from typing import IO

from slipway.local.docker import image_archive


def root_of(folder: Path, time: int) -> Path:
    (folder / "tmp").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "tool").write_text("#!/bin/sh\n")
    (folder / "bin" / "tool").chmod(0o4755)
    (folder / "bin" / "link").symlink_to("tool")
    os.utime(folder / "bin" / "tool", (time, time))
    return folder


def test_times_and_places_do_not_change_a_layer(tmp_path: Path) -> None:
    for name, time in (("a", 1), ("b", 10**9)):
        image_archive.write_layer(tmp_path / f"{name}.tar", root_of(tmp_path / name, time), sticky=("tmp",))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_a_layer_belongs_to_root_and_has_no_set_uid_program(tmp_path: Path) -> None:
    image_archive.write_layer(tmp_path / "l.tar", root_of(tmp_path / "root", 1), sticky=("tmp",))
    with tarfile.open(tmp_path / "l.tar") as layer:
        members = {member.name: member for member in layer}
    assert list(members) == ["bin", "bin/link", "bin/tool", "tmp"]
    assert {member.uid for member in members.values()} == {0}
    assert oct(members["bin/tool"].mode) == "0o755"
    assert oct(members["tmp"].mode) == "0o1777"
    assert members["bin/link"].linkname == "tool"


def test_the_archive_names_its_image_and_its_layer_by_content(tmp_path: Path) -> None:
    layer = tmp_path / "l.tar"
    image_archive.write_layer(layer, root_of(tmp_path / "root", 1))
    config = image_archive.ImageConfig(env={"A": "b"}, labels={"l": "m"}, user="65532:65532")
    image_archive.write(tmp_path / "image.tar", "registry/name:tag", layer, config)
    with tarfile.open(tmp_path / "image.tar") as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json") or _absent())
        document = json.load(archive.extractfile(manifest["Config"]) or _absent())
        stored = (archive.extractfile(manifest["Layers"][0]) or _absent()).read()
    assert manifest["RepoTags"] == ["registry/name:tag"]
    assert stored == layer.read_bytes()
    assert document["config"]["Env"] == ["A=b"]
    assert document["config"]["User"] == "65532:65532"
    assert document["rootfs"]["diff_ids"] == [f"sha256:{Path(manifest['Layers'][0]).parent}"]


def _absent() -> IO[bytes]:
    raise AssertionError("a file is missing in the archive")

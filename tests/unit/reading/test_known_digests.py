"""A large file is read once; any change of it, by whatever means, is read again."""

import os
from pathlib import Path

import pytest

from slipway.reading import known_digests
from slipway.reading.known_digests import remembered


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(known_digests, "LARGE", 4)
    monkeypatch.setattr(known_digests, "_SETTLED_S", -1)
    path = tmp_path / "weights.bin"
    path.write_bytes(b"abcd")
    return path


def asked(path: Path, digest: str) -> str:
    return remembered(path, path.stat(), lambda: digest * 64)


def test_a_large_file_is_read_once(file: Path) -> None:
    assert asked(file, "1") == asked(file, "2") == "1" * 64


def test_a_file_that_changed_within_its_size_and_its_time_is_read_again(file: Path) -> None:
    before = file.stat()
    assert asked(file, "1") == "1" * 64
    file.write_bytes(b"efgh")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert asked(file, "2") == "2" * 64


def test_a_file_that_changed_just_now_is_not_remembered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_digests, "_SETTLED_S", 3600)
    assert asked(file, "1") == "1" * 64
    assert asked(file, "2") == "2" * 64


def test_a_small_file_is_always_read(file: Path) -> None:
    file.write_bytes(b"abc")
    assert (asked(file, "1"), asked(file, "2")) == ("1" * 64, "2" * 64)


def test_a_memory_that_is_no_digest_is_passed_over(file: Path, tmp_path: Path) -> None:
    asked(file, "1")
    (memory,) = (tmp_path / "cache/slipway/digests").iterdir()
    memory.write_text("cut")
    assert asked(file, "2") == "2" * 64

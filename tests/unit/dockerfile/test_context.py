"""A build context has the files that the image needs, nothing from elsewhere, no secrets, and an end."""

import os
from pathlib import Path

import pytest

from slipway.dockerfile import context as module
from slipway.dockerfile.context import read_context
from slipway.reading.files import BadFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    context = tmp_path / "repo/server"
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (context / "server.py").write_text("serve()")
    return context


def refusal(folder: Path) -> BadFile:
    with pytest.raises(BadFile) as refused:
        read_context(folder, "Dockerfile", folder.parent)
    assert refused.value.allowed
    assert refused.value.todo
    return refused.value


def test_its_files_are_known_by_digest_and_by_whether_they_may_be_run(folder: Path) -> None:
    (folder / "run.sh").write_text("exec")
    (folder / "run.sh").chmod(0o755)
    read = read_context(folder, "Dockerfile", folder.parent)
    assert {name: file.executable for name, file in read.files.items()} == {
        "Dockerfile": False,
        "run.sh": True,
        "server.py": False,
    }
    assert read.size == sum(file.path.stat().st_size for file in read.files.values())
    assert read.dockerfile.startswith("FROM")


def test_what_is_left_out_is_neither_read_nor_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_MOST", 3)
    (folder / ".dockerignore").write_text("data\n.env\n!data/kept.txt\n.git\n")
    (folder / "data").mkdir()
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("url")
    for name in ("data/kept.txt", "data/a", "data/b", ".env"):
        (folder / name).write_text(name)
    assert sorted(read_context(folder, "Dockerfile", folder.parent).files) == [
        "Dockerfile",
        "data/kept.txt",
        "server.py",
    ]


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.production",
        "sub/.env",
        "id_ed25519",
        "tls.key",
        ".netrc",
        "store.p12",
        ".git/config",
        ".aws/credentials",
    ],
)
def test_a_file_that_holds_secrets_by_its_name_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    error = refusal(folder)
    assert name.partition("/")[0].removesuffix("/") in error.problem
    assert ".dockerignore" in error.todo


def test_an_example_of_one_and_a_certificate_are_none(folder: Path) -> None:
    (folder / ".env.example").write_text("TOKEN=")
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    assert {".env.example", "ca.pem"} <= set(read_context(folder, "Dockerfile", folder.parent).files)


def test_a_private_key_is_refused_by_what_is_in_it(folder: Path) -> None:
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n")
    assert "private key" in refusal(folder).problem


def test_a_link_may_lead_to_a_file_of_the_context_and_nowhere_else(folder: Path) -> None:
    (folder / "same.py").symlink_to("server.py")
    read = read_context(folder, "Dockerfile", folder.parent)
    assert read.files["same.py"].sha256 == read.files["server.py"].sha256
    outside = folder.parent / "outside"
    outside.write_text("others'")
    (folder / "out").symlink_to(outside)
    assert "out, which leads out of" in refusal(folder).problem


@pytest.mark.parametrize("target", ["sub", "none", "itself"])
def test_a_link_to_a_folder_to_nothing_or_to_itself_is_refused(folder: Path, target: str) -> None:
    (folder / "sub").mkdir()
    (folder / "itself").symlink_to(target)
    assert "has itself, which" in refusal(folder).problem


def test_a_link_in_a_folder_below_is_held_against_the_whole_context(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/up.py").symlink_to("../server.py")
    assert "sub/up.py" in read_context(folder, "Dockerfile", folder.parent).files


def test_too_many_files_too_many_bytes_and_too_deep_folders_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEPTH_MOST", 2)
    (folder / "a/b/c").mkdir(parents=True)
    assert "below one another" in refusal(folder).problem
    monkeypatch.setattr(module, "DEPTH_MOST", 9)
    monkeypatch.setattr(module, "FILES_MOST", 1)
    assert "more than 1 files" in refusal(folder).problem
    monkeypatch.setattr(module, "FILES_MOST", 9)
    monkeypatch.setattr(module, "CONTEXT_MOST", 8)
    assert "more than 0Mi" in refusal(folder).problem


def test_a_pipe_and_a_dockerfile_that_is_no_text_are_refused(folder: Path) -> None:
    (folder / "Dockerfile").write_bytes(b"\xff\xfe")
    assert "not text in UTF-8" in refusal(folder).problem
    (folder / "Dockerfile").write_text("FROM scratch")
    os.mkfifo(folder / "pipe")
    assert "has pipe, which is not a regular file" in refusal(folder).problem

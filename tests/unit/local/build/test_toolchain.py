"""Digests and the cache of built tools, Go's and Pulumi's versions."""

import threading
from pathlib import Path

import pytest

from slipway.local.build import toolchain
from slipway.local.build.golang import Go, needed, version_of
from slipway.local.build.pulumi_cli import VERSION, accepts, host_script
from slipway.local.host import cache, paths
from slipway.local.host.errors import LocalError


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "CACHE_TOOLS", tmp_path / "tools")
    return tmp_path / "tools"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text("module x\n\ngo 1.26.4\n")
    (folder / "main.go").write_text("package main\n")
    return folder


def test_the_digest_changes_with_every_input_and_with_nothing_else(module: Path) -> None:
    digests = [toolchain.digest(module, b"go1.26.6", b"flags")]
    assert toolchain.digest(module, b"go1.26.6", b"flags") == digests[0]
    digests.append(toolchain.digest(module, b"go1.26.7", b"flags"))
    digests.append(toolchain.digest(module, b"go1.26.6f", b"lags"))
    (module / "main.go").write_text("package main // edited\n")
    digests.append(toolchain.digest(module, b"go1.26.6", b"flags"))
    (module / "main.go").rename(module / "other.go")
    digests.append(toolchain.digest(module, b"go1.26.6", b"flags"))
    assert len(set(digests)) == len(digests)


def test_a_folder_appears_only_when_its_build_is_whole(tools: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").touch()
        raise LocalError("the compiler's words")

    with pytest.raises(LocalError):
        toolchain.cached("tool", "00", fails)
    assert not (tools / "tool-00").exists()

    made = toolchain.cached("tool", "00", lambda folder: (folder / "whole").touch())
    assert [file.name for file in made.iterdir()] == ["whole"]


def test_what_is_built_is_not_built_again(tools: Path) -> None:
    builds: list[Path] = []
    first = toolchain.cached("tool", "00", builds.append)
    assert toolchain.cached("tool", "00", builds.append) == first == tools / "tool-00"
    assert len(builds) == 1


@pytest.mark.usefixtures("tools")
def test_of_two_builds_at_once_the_second_waits_and_uses_the_first() -> None:
    begun, go_on = threading.Event(), threading.Event()
    builds: list[str] = []

    def slow(_: Path) -> None:
        builds.append("slow")
        begun.set()
        assert go_on.wait(10)

    first = threading.Thread(target=toolchain.cached, args=("tool", "00", slow))
    second = threading.Thread(target=toolchain.cached, args=("tool", "00", lambda _: builds.append("second")))
    first.start()
    assert begun.wait(10)
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert builds == ["slow"]


@pytest.mark.usefixtures("tools")
def test_locks_of_different_entries_do_not_wait_for_each_other() -> None:
    with cache.locked("one"), cache.locked("other"):
        pass


def test_an_entry_that_another_process_never_finishes_is_waited_for_no_longer_than_the_limit(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_LIMIT_S", 0.1)
    refusal = pytest.raises(LocalError, match="for another process to make tool")
    with cache.locked("tool"), refusal as caught, cache.locked("tool"):
        pytest.fail("two hold the lock")
    assert f"fuser {tools}/.tool.lock" in str(caught.value)
    with cache.locked("tool"):
        pass


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 linux/arm64", (1, 27, 0)),
        ("go 1.26.4", (1, 26, 4)),
        ("go version devel", None),
    ],
)
def test_go_versions_are_read_from_the_command_and_from_go_mod(text: str, version: object) -> None:
    assert version_of(text) == version


def test_the_newest_go_that_any_module_asks_for_is_needed(module: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "go.mod").write_text("module y\n\ngo 1.25\n")
    assert needed([other, module]) == (1, 26, 4)


def test_a_module_without_a_go_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module y\n")
    with pytest.raises(LocalError, match=r"go\.mod: no `go` line"):
        needed([tmp_path])


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        (f"v{VERSION}\n", True),
        ("v3.999.0", True),
        ("v3.231.0-dev.1", True),
        ("v3.229.9", False),
        ("v4.0.0", False),
        ("v2.400.0", False),
        ("warning: no version", False),
    ],
)
def test_only_a_pulumi_as_new_as_the_pin_and_of_its_major_version_is_used(version: str, accepted: bool) -> None:
    assert accepts(version) is accepted


def test_the_host_script_quotes_paths_with_blanks() -> None:
    script = host_script(Path("/a b/python"), Path("/c d/exec"))
    assert "PULUMI_PYTHON_EXEC='/c d/exec' exec '/a b/python' -P" in script


@pytest.mark.parametrize(("failures", "gets_it"), [(2, True), (3, False)])
def test_modules_that_cannot_be_had_are_asked_for_again(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int, gets_it: bool
) -> None:
    """A network that fails once must not end an hour of building."""
    monkeypatch.setattr(toolchain, "_PAUSE_S", 0.0)
    monkeypatch.setattr(paths, "STATE_LOG", tmp_path / "log")
    go = tmp_path / "go"
    go.write_text(
        '#!/bin/sh\n[ "$1" = build ] && exit 0\n'
        f"echo asked >>{tmp_path}/asked\n"
        f'[ $(wc -l <{tmp_path}/asked) -gt {failures} ] || {{ echo "proxy: 502" ; exit 1; }}\n'
    )
    go.chmod(0o755)
    said: list[str] = []
    program = toolchain.GoProgram(module, "example.com/x", "")
    if gets_it:
        toolchain.compile_program(program, Go(go, "go1.26.8"), tmp_path / "x", said.append)
    else:
        with pytest.raises(LocalError, match="proxy: 502"):
            toolchain.compile_program(program, Go(go, "go1.26.8"), tmp_path / "x", said.append)
    assert (tmp_path / "asked").read_text().count("asked") == 3
    assert said.count("a module could not be had; trying again in 0 s") == 2

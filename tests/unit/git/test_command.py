"""Git is only read: whatever a repository's configuration names is not run."""

import subprocess
from pathlib import Path

import pytest

from slipway.git.command import GitFailed, git
from slipway.git.repository import Repository
from slipway.git.tree import lay_out
from tests.support.commits import commit

CONFIG = """
[core]
    fsmonitor = {run}
    hooksPath = {hooks}
    pager = {run}
[log]
    showSignature = true
[gpg]
    program = {run}
[diff]
    external = {run}
[diff "text"]
    textconv = {run}
[filter "evil"]
    clean = {run}
    smudge = {run}
[pager]
    log = {run}
"""


def test_nothing_that_a_repository_names_is_run(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    (repository / "models").mkdir(parents=True)
    file = repository / "models/x.yaml"
    for version in ("1.0.0", "1.1.0"):
        file.write_text(f"version: {version}\n")
        commit(repository)
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$@" >> {mark}\ncat\n')
    program.chmod(0o755)
    config = repository / ".git/config"
    config.write_text(config.read_text() + CONFIG.format(run=program, hooks=tmp_path))
    (repository / ".git/info/attributes").parent.mkdir(exist_ok=True)
    (repository / ".git/info/attributes").write_text("* diff=text filter=evil\n")
    found = Repository(repository, 20)
    newest, oldest = found.changes(["models/x.yaml"], 10)
    assert newest.object is not None
    assert found.read(newest.object) == b"version: 1.1.0\n"
    assert found.at(oldest.commit, "models/x.yaml") == oldest.object
    assert not found.shallow
    file.write_text("version: 1.2.0\n")
    lay_out(found, repository, found.commit("main~1"), tmp_path / "then", Path("models"))
    assert (tmp_path / "then/models/x.yaml").read_text() == "version: 1.0.0\n"
    lay_out(found, repository, found.commit("main"), tmp_path / "now", Path("models"))
    assert (tmp_path / "now/models/x.yaml").read_text() == "version: 1.1.0\n"
    assert not mark.exists()


def test_paths_are_paths_and_no_patterns_and_seen_from_the_folder(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    for name in ("*.yaml", "x.yaml", "ä b.yaml"):
        (below / name).write_text(name)
    commit(tmp_path)
    found = Repository(below, 20)
    assert [one.path for one in found.changes(["*.yaml"], 10)] == ["*.yaml"]
    assert [one.path for one in found.changes(["ä b.yaml"], 10)] == ["ä b.yaml"]


def test_a_link_and_a_file_that_is_gone_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("text")
    (tmp_path / "link").symlink_to("real")
    both = commit(tmp_path)
    (tmp_path / "real").unlink()
    gone = commit(tmp_path)
    found = Repository(tmp_path, 20)
    there = {(one.commit, one.path): one.object for one in found.changes(["link", "real"], 10)}
    assert there[both, "link"] is None
    assert there[both, "real"] is not None
    assert there[gone, "real"] is None
    assert found.at(both, "link") is None


def test_no_repository_and_no_time_are_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="not a git repository"):
        git(tmp_path, ["rev-parse", "HEAD"], 20)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(GitFailed, match="git took too long"):
        Repository(tmp_path, 0).changes(["x"], 1)

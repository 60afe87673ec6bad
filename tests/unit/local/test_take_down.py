"""What `down` unmounts and what it says it leaves."""

import os
import subprocess
from pathlib import Path

import pytest

from slipway.local import apt
from slipway.local.host import processes
from slipway.local.plugins import stand_in
from slipway.local.take_down import mounts_under, what_stays

MOUNTS = """\
/dev/vda / ext4 rw 0 0
overlay /state/docker/data/merged overlay rw 0 0
tmpfs /state/docker tmpfs rw 0 0
tmpfs /state\\040two/x tmpfs rw 0 0
tmpfs /statement tmpfs rw 0 0
"""


def test_only_mounts_inside_the_folder_are_unmounted_the_deepest_first() -> None:
    assert mounts_under(Path("/state"), MOUNTS) == ["/state/docker/data/merged", "/state/docker"]


def test_a_blank_in_a_mount_point_is_understood() -> None:
    assert mounts_under(Path("/state two"), MOUNTS) == ["/state two/x"]


def test_everything_that_stays_is_named_with_the_command_that_removes_it() -> None:
    lines = what_stays(400_000_000, ["runc", "containerd"], has_go_cache=True)
    assert len(lines) == 3
    assert "400 MB" in lines[0]
    assert "slipway local down --tools" in lines[0]
    assert "go clean -cache -modcache" in lines[1]
    assert "apt-get purge runc containerd" in lines[2]


def test_nothing_is_said_when_nothing_stays() -> None:
    assert what_stays(0, [], has_go_cache=False) == []


def test_only_the_packages_whose_programs_are_absent_are_missing(tmp_path: Path) -> None:
    there = tmp_path / "plugin"
    there.touch()
    needs = [
        apt.Need("by-file", (str(there),)),
        apt.Need("by-command", ("sh",)),
        apt.Need("absent", ("no-such-command-here", str(tmp_path / "nothing"))),
    ]
    assert apt.missing(needs) == ["absent"]


def _code(script: Path) -> int:
    return subprocess.run(["/bin/sh", script], check=False).returncode


def test_the_policy_that_refuses_services_lapses_with_the_process_that_wrote_it(tmp_path: Path) -> None:
    script = tmp_path / "policy"
    script.write_text(apt.policy_script(os.getpid()))
    assert _code(script) == 101
    with subprocess.Popen(["sleep", "60"]) as other:
        script.write_text(apt.policy_script(other.pid))
        assert _code(script) == 101
        other.kill()
    assert _code(script) == 0


@pytest.mark.parametrize("known", ["start_time", "boot_id"])
def test_the_policy_that_refuses_services_does_not_take_another_process_of_the_same_pid_for_its_own(
    known: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, known, lambda *_: "1")
    (tmp_path / "policy").write_text(apt.policy_script(os.getpid()))
    assert _code(tmp_path / "policy") == 0


def test_an_edit_of_the_stand_in_changes_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\n")
    before = stand_in.digest(tmp_path)
    (tmp_path / "a.py").write_text("two\n")
    assert stand_in.digest(tmp_path) != before

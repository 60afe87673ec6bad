"""What pretended machines are told that they lack."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.local import apt
from slipway.local.host.errors import LocalError
from slipway.local.machine import Facts, lacks, message, require

GIB = 1 << 30
READY = Facts(
    distribution="Debian GNU/Linux 12 (bookworm)",
    has_apt=True,
    is_root=True,
    missing_packages=(),
    has_context=False,
    has_docker=False,
    has_pulumi=False,
    has_registry=False,
    tools_built=False,
    free_disk=40 * GIB,
    memory=16 * GIB,
)
BARE = replace(READY, missing_packages=("containerd", "runc", "docker.io"))
OWN_CLUSTER = replace(READY, is_root=False, has_context=True, has_docker=True, has_pulumi=True, has_registry=True)


def told(facts: Facts) -> list[str]:
    return [lack.what for lack in lacks(facts)]


def test_root_on_a_bare_debian_lacks_nothing_since_packages_are_installed() -> None:
    assert lacks(BARE) == []
    require(BARE)


def test_a_user_without_root_gets_everything_in_one_message_with_the_command() -> None:
    facts = replace(BARE, is_root=False, free_disk=5 * GIB, memory=2 * GIB)
    with pytest.raises(LocalError) as caught:
        require(facts)
    text = str(caught.value)
    assert "sudo apt-get install -y containerd runc docker.io" in text
    assert [number for number in range(1, 9) if f"  {number}. " in text] == [1, 2, 3, 4]
    for part in ("root", "disk: 5.0 GiB", "at least 21 GiB", "memory: 2.0 GiB", "at least 6 GiB"):
        assert part in text


def test_every_lack_comes_with_what_to_do_about_it() -> None:
    facts = replace(BARE, is_root=False, free_disk=0, memory=0)
    assert message(facts, lacks(facts)).count("-> ") == len(lacks(facts)) == 4


def test_another_linux_is_told_which_programs_it_needs_but_no_apt_command() -> None:
    facts = replace(BARE, has_apt=False, distribution="Fedora Linux 42")
    text = message(facts, lacks(facts))
    assert "containerd runc docker.io" in text
    assert "package manager of this distribution" in text
    assert "apt-get" not in text
    assert text.startswith("This machine (Fedora Linux 42)")


def test_another_linux_with_all_programs_is_fine() -> None:
    assert lacks(replace(READY, has_apt=False)) == []


def test_built_tools_need_less_room() -> None:
    small = replace(READY, free_disk=4 * GIB, memory=3 * GIB)
    assert len(lacks(small)) == 2
    assert lacks(replace(small, tools_built=True)) == []


def test_a_machine_with_a_cluster_engine_pulumi_and_registry_needs_no_root() -> None:
    assert lacks(OWN_CLUSTER) == []


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ({"has_docker": False}, "Docker Engine"),
        ({"has_pulumi": False}, "Pulumi >= 3."),
        ({"has_registry": False}, "127.0.0.1:5000"),
    ],
)
def test_beside_an_own_cluster_each_missing_part_is_named(lost: dict[str, bool], named: str) -> None:
    (lack,) = lacks(replace(OWN_CLUSTER, **lost))  # type: ignore[arg-type]
    assert named in lack.what


def test_beside_an_own_cluster_all_missing_parts_are_named_together() -> None:
    facts = replace(OWN_CLUSTER, has_docker=False, has_pulumi=False, has_registry=False, has_apt=False)
    assert len(lacks(facts)) == 4


def test_beside_an_own_cluster_only_the_packages_that_are_used_there_are_asked_for() -> None:
    (lack,) = lacks(replace(OWN_CLUSTER, missing_packages=("runc", "git", "make")))
    assert (lack.what, lack.remedy) == ("Debian packages git make", "sudo apt-get install -y git make")


@pytest.mark.parametrize("command", ["git", "make"])
def test_what_the_readme_asks_for_is_named_when_it_is_not_there(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = shutil.which("sh")
    assert elsewhere is not None
    (tmp_path / "sh").symlink_to(elsewhere)
    monkeypatch.setattr(apt, "SBIN", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command in apt.missing(apt.NEEDS)
    (tmp_path / command).symlink_to(elsewhere)
    assert command not in apt.missing(apt.NEEDS)


def test_the_other_way_is_offered_only_to_who_does_not_go_it() -> None:
    assert "Or bring your own" in message(BARE, [])
    assert "Or bring your own" not in message(OWN_CLUSTER, [])

"""How a full disk is recognised, and what is said of it."""

import errno
from pathlib import Path

import pytest

from slipway.errors.failures import NoSpace
from slipway.errors.full_disk import disk_errors, full, full_disk


def test_a_full_disk_is_told_with_what_was_done_the_path_and_what_to_do() -> None:
    with pytest.raises(NoSpace) as caught, disk_errors("the image", Path("/elsewhere")):
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/here")
    assert str(caught.value) == (
        "the image: No space left on device: /tmp/here; next: free space there (`df -h` shows what is full), "
        "then run the command again"
    )
    assert caught.value.exit_code == 2


def test_where_the_system_names_no_path_the_folder_is_named() -> None:
    with pytest.raises(NoSpace, match=r"Disk quota exceeded: /elsewhere;"), disk_errors("the image", "/elsewhere"):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_any_other_error_of_the_system_stays_what_it_is() -> None:
    with pytest.raises(PermissionError), disk_errors("the image", "/elsewhere"):
        raise PermissionError(errno.EACCES, "Permission denied", "/tmp/here")
    assert full_disk("the image", PermissionError(errno.EACCES, "Permission denied")) is None


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("blob: write /disk/locks/a.json.tmp: no space left on device", "/disk/locks/a.json.tmp"),
        ("Caused by: failed to write to `/cache/x`: No space left on device (os error 28)", "/cache/x"),
        ("failed to register layer: no space left on device", "the Engine's folder"),
    ],
)
def test_what_a_program_printed_is_recognised(said: str, path: str) -> None:
    found = full("it failed", "the Engine's folder", ["something else", said])
    assert found is not None
    assert f" left on device: {path}; next: free space" in str(found)


def test_a_full_disk_that_was_told_already_keeps_its_own_place() -> None:
    told = str(NoSpace("the image was not built", "the Engine's folder", "no space left on device"))
    assert full("stack local: update failed", "file:///states", [f"ModelImage digits: {told}"]) is None


def test_another_failure_of_a_program_is_not_a_full_disk() -> None:
    assert full("it failed", "/disk", ["connection refused"]) is None

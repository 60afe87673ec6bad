"""What is written to a place is read as it was, or refused with what to do."""

import io
from pathlib import Path

import pytest

from slipway.backup.errors import BackupRefused, BackupUnread, BackupUnwritten, PlaceRefused
from slipway.backup.place import backup_at, new_backup


def test_a_file_is_read_as_it_was_written_and_nobody_else_gets_in(tmp_path: Path) -> None:
    place = new_backup(str(tmp_path / "backups"), "prod-1")
    stored = place.write("states/prod.json", io.BytesIO(b"state"))
    assert (tmp_path / "backups/prod-1/states/prod.json").read_bytes() == b"state"
    assert (tmp_path / "backups/prod-1").stat().st_mode & 0o077 == 0
    into = io.BytesIO()
    backup_at(place.address).read("states/prod.json", stored, into)
    assert (into.read(), stored.size) == (b"state", 5)


@pytest.mark.parametrize(("content", "said"), [(b"stat", "4 is not its size: it was cut off"), (b"stale", "changed")])
def test_another_content_than_was_written_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    place = new_backup(str(tmp_path), "prod-1")
    stored = place.write("ledger.dump", io.BytesIO(b"state"))
    (tmp_path / "prod-1/ledger.dump").write_bytes(content)
    with pytest.raises(BackupRefused, match=rf"prod-1/ledger.dump: .*{said}.*next: take another backup"):
        place.read("ledger.dump", stored, io.BytesIO())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": 1, "environment": "prod", "taken_', "is no manifest of a backup"),
        ('{"format": 2}', "format: .*is no manifest.*allowed: format 1"),
        ("[]", "is no manifest"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BackupRefused, match=said) as error:
        backup_at(str(tmp_path)).manifest()
    assert error.value.exit_code == 1


def test_a_backup_that_was_not_finished_has_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(BackupUnread, match=r"no backup, or one that was not finished") as error:
        backup_at(str(tmp_path)).manifest()
    assert error.value.exit_code == 1


@pytest.mark.parametrize("address", ["ftp://host/x", "https://host/x", "", "s3://", "s3://?region=eu-central-1"])
def test_a_place_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(PlaceRefused, match=r"--to: .*allowed: a folder, or the URL of a bucket.*next: ") as error:
        new_backup(address, "prod-1")
    assert error.value.exit_code == 1


def test_a_folder_that_is_not_there_is_not_made_to_be_read(tmp_path: Path) -> None:
    for address in (str(tmp_path / "gone"), f"file://{tmp_path}/gone"):
        with pytest.raises(PlaceRefused, match=r"--from: .*is no folder"):
            backup_at(address)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    place = new_backup(str(tmp_path), "prod-1")
    (tmp_path / "prod-1/states").write_text("a file where a folder has to be")
    with pytest.raises(BackupUnwritten, match=r"states/prod.json: the backup was not written: .*next: "):
        place.write("states/prod.json", io.BytesIO(b"state"))

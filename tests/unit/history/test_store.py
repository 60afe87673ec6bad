"""Entries are added, read from the newest on, and never changed; what cannot be read or written is named."""

import stat
from pathlib import Path

import pytest

from slipway.history.backend import backend_url, open_backend
from slipway.history.entry import Commit, Entry, new_id
from slipway.history.errors import HistoryUnread, HistoryUnwritten, NoHistory
from slipway.history.store import Store
from tests.support.histories import BEGAN, digest, entry, in_folder


def file_of(folder: Path, one: Entry) -> Path:
    return folder / "slipway-history" / one.environment / one.model / f"{one.id}.json"


def test_an_entry_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    written = entry(
        1,
        "1.0.0",
        reason="a “reason” with\nlines",
        commit=Commit(sha="a" * 40, dirty=True),
        differences=("Deployment spec.replicas: 1 -> 2",),
        held_back=(digest("0.9.0"),),
        rollout={"steps": [{"percent": 5.0, "verdict": "passed"}]},
    )
    store.write(written)
    assert in_folder(tmp_path).read("local", "digits", written.id) == written
    assert file_of(tmp_path, written).is_file()


def test_entries_come_newest_first_and_are_read_one_by_one(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    for minute in (3, 1, 2):
        store.write(entry(minute, f"1.{minute}.0"))
    store.write(entry(9, "1.0.0", model="speech"))
    entries = store.entries("local", "digits")
    assert next(entries).version == "1.3.0"
    # The others are not read yet: one of them may be gone, or be no entry.
    next(file for file in (tmp_path / "slipway-history/local/digits").iterdir() if "T120100" in file.name).unlink()
    assert next(entries).version == "1.2.0"
    with pytest.raises(HistoryUnread):
        next(entries)
    assert store.models("local") == ["digits", "speech"]


def test_an_environment_without_entries_has_none(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    assert (store.models("local"), store.ids("local", "digits")) == ([], [])
    with pytest.raises(HistoryUnread, match="No such file"):
        store.read("local", "digits", new_id(BEGAN))


def test_an_entry_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    first = entry(1, "1.0.0")
    store.write(first)
    with pytest.raises(HistoryUnwritten, match="it is there already"):
        store.write(first.model_copy(update={"version": "6.6.6"}))
    assert store.read("local", "digits", first.id).version == "1.0.0"


def test_a_thousand_entries_of_one_moment_have_names_of_their_own() -> None:
    names = {new_id(BEGAN) for _ in range(1000)}
    assert len(names) == 1000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is no entry"),
        (b'{"schema": 1, "id"', "it is no entry"),
        (b"[]", "it is no entry"),
        (b'{"schema": 2}', "`schema`"),
        (b"\xff\xfe", "it is no entry"),
    ],
)
def test_a_file_that_is_no_entry_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    store = in_folder(tmp_path)
    one = entry(1, "1.0.0")
    store.write(one)
    file_of(tmp_path, one).write_bytes(content)
    with pytest.raises(HistoryUnread, match=said) as raised:
        store.read("local", "digits", one.id)
    assert str(file_of(tmp_path, one)) in str(raised.value)
    assert "next: " in str(raised.value)


def test_an_entry_that_was_cut_off_is_named(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    one = entry(1, "1.0.0")
    store.write(one)
    whole = file_of(tmp_path, one).read_bytes()
    file_of(tmp_path, one).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HistoryUnread, match="it is no entry"):
        store.read("local", "digits", one.id)


def test_an_entry_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    one, other = entry(1, "1.0.0"), entry(2, "2.0.0")
    store.write(one)
    file_of(tmp_path, one).rename(file_of(tmp_path, other))
    with pytest.raises(HistoryUnread, match="of another name"):
        store.read("local", "digits", other.id)


def test_an_entry_of_a_later_slipway_is_read_for_what_is_known(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    one = entry(1, "1.0.0")
    store.write(one)
    text = file_of(tmp_path, one).read_text()
    file_of(tmp_path, one).write_text(text[:-1] + ', "signature": {"key": "k"}}')
    assert store.read("local", "digits", one.id) == one


def test_files_that_others_left_there_are_no_entries(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    one = entry(1, "1.0.0")
    store.write(one)
    for name in ("README", "x.json", f"{one.id}.json.bak", "20260301T120100000000Z-xyz.json"):
        (file_of(tmp_path, one).parent / name).write_text("{}")
    assert store.ids("local", "digits") == [one.id]


def test_a_file_as_large_as_no_entry_is_not_read(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    one = entry(1, "1.0.0")
    store.write(one)
    with file_of(tmp_path, one).open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(HistoryUnread, match="more than any entry"):
        store.read("local", "digits", one.id)


def test_nobody_else_may_look_into_the_folder(tmp_path: Path) -> None:
    in_folder(tmp_path).write(entry(1, "1.0.0"))
    assert stat.S_IMODE((tmp_path / "slipway-history").stat().st_mode) == 0o700


def test_where_there_is_a_file_instead_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "slipway-history").write_text("")
    with pytest.raises(NoHistory, match="cannot be written"):
        in_folder(tmp_path)


@pytest.mark.parametrize("url", ["https://api.pulumi.com", "http://localhost:8080", ""])
def test_pulumi_cloud_has_no_place_for_it(url: str) -> None:
    with pytest.raises(NoHistory, match="Pulumi Cloud has no place") as raised:
        open_backend(url)
    assert "next: " in str(raised.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://bucket", "is none that a history can be kept in"),
        ("s3://", "is none that a history can be kept in"),
        ("s3://bucket?regoin=eu-central-1", "a setting that Slipway does not know, regoin"),
        ("gs://bucket?endpoint=x", "a setting that Slipway does not know, endpoint"),
        ("azblob://container?storage_account=a&x=1", "a setting that Slipway does not know, x"),
    ],
)
def test_a_backend_that_is_not_understood_is_refused(url: str, said: str) -> None:
    with pytest.raises(NoHistory, match=said):
        open_backend(url)


def test_what_may_be_secret_in_a_url_is_not_said() -> None:
    with pytest.raises(NoHistory) as raised:
        open_backend("ftp://mia:hunter2@bucket/x?token=hunter2")
    assert "hunter2" not in str(raised.value)
    assert "ftp://bucket/x" in str(raised.value)


def test_what_pulumi_login_wrote_counts_where_no_variable_does(tmp_path: Path) -> None:
    home = tmp_path / ".pulumi"
    home.mkdir()
    assert backend_url({"HOME": str(tmp_path)}) == ""
    (home / "credentials.json").write_text('{"current": "file:///states"}')
    assert backend_url({"HOME": str(tmp_path)}) == "file:///states"
    assert backend_url({"HOME": "/nowhere", "PULUMI_HOME": str(home)}) == "file:///states"
    assert backend_url({"HOME": "/nowhere", "PULUMI_CREDENTIALS_PATH": str(home)}) == "file:///states"
    assert backend_url({"HOME": str(tmp_path), "PULUMI_BACKEND_URL": "s3://mine"}) == "s3://mine"
    (home / "credentials.json").write_text("torn")
    assert backend_url({"HOME": str(tmp_path)}) == ""


def test_a_folder_may_be_named_as_pulumi_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for url, folder in (
        ("file://~/states", "home/states"),
        ("file://./here", "here"),
        (f"file://{tmp_path}/a b", "a b"),
    ):
        Store(open_backend(f"{url}?no_tmp_dir=true")).write(entry(1, "1.0.0"))
        assert len(list((tmp_path / folder / "slipway-history/local/digits").iterdir())) == 1

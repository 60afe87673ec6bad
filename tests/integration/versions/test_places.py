"""The history in a folder whose disk is full, and in one that a user may not write to."""

from pathlib import Path

import pytest

from slipway.history.errors import HistoryUnwritten
from tests.support.histories import entry, in_folder
from tests.support.small_disks import small_disk

pytestmark = pytest.mark.integration


def test_a_full_disk_is_named_and_nothing_of_the_entry_is_left(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        store = in_folder(disk.folder)
        first, second = entry(1, "1.0.0"), entry(2, "2.0.0", packed={"release.json.gz": "A" * 100_000})
        store.write(first)
        disk.fill()
        with pytest.raises(HistoryUnwritten, match=r"no space left on device; next: free space") as raised:
            store.write(second)
        assert str(disk.folder) in str(raised.value)
        assert store.ids("local", "digits") == [first.id]
        disk.make_room()
        store.write(second)
        assert store.read("local", "digits", second.id) == second

"""Only the right bytes get the name of the weights; what broke off goes on; what is wrong is named by both digests."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from slipway_weights.bring import Tries, WrongBytes, bring
from slipway_weights.store import StoreBroke, StoreRefused
from slipway_weights.wanted import BadWanted, File, wanted

DATA = bytes(range(256)) * 16_000
FILE = File("weights.bin", "sha256/x", len(DATA), hashlib.sha256(DATA).hexdigest())
QUICK = Tries(most=3, pause_s=0.001)


class Breaking:
    """A store that breaks off after so many bytes each time; `asked`: from which byte on it was asked."""

    def __init__(self, data: bytes = DATA, after: int = 10**9) -> None:
        self.data, self.after = data, after
        self.asked: list[int] = []

    def read(self, key: str, offset: int, size: int, /) -> Iterator[bytes]:
        self.asked.append(offset)
        sent = 0
        for start in range(offset, len(self.data), 65536):
            if sent >= self.after:
                raise StoreBroke("it broke off")
            yield self.data[start : start + 65536]
            sent += 65536


def silent(_: str) -> None:
    """Tell nobody."""


def test_a_file_arrives_read_only_and_is_not_asked_for_again(tmp_path: Path) -> None:
    store = Breaking()
    for _ in range(2):
        bring(FILE, tmp_path, store, silent, QUICK)
    assert (tmp_path / "weights.bin").read_bytes() == DATA
    assert (tmp_path / "weights.bin").stat().st_mode & 0o777 == 0o444
    assert store.asked == [0]
    assert [path.name for path in tmp_path.iterdir()] == ["weights.bin"]


def test_a_store_that_breaks_off_is_asked_for_the_rest(tmp_path: Path) -> None:
    store = Breaking(after=2**20)
    bring(FILE, tmp_path, store, silent, QUICK)
    assert (tmp_path / "weights.bin").read_bytes() == DATA
    assert store.asked[1] == 2**20


def test_a_container_that_starts_again_goes_on_from_what_arrived(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="3 times; 65536 of 4096000 bytes are here"):
        bring(FILE, tmp_path, Stuck(), silent, QUICK)
    store = Breaking()
    bring(FILE, tmp_path, store, silent, QUICK)
    assert store.asked == [65536]


class Stuck(Breaking):
    """A store that sends one block, and then nothing."""

    def read(self, key: str, offset: int, size: int, /) -> Iterator[bytes]:
        if offset == 0:
            yield self.data[:65536]
        raise StoreBroke("it is silent")


@pytest.mark.parametrize("other", [DATA[:-1] + b"x", DATA + b"x"])
def test_other_bytes_are_removed_and_named(tmp_path: Path, other: bytes) -> None:
    with pytest.raises(WrongBytes) as refused:
        bring(FILE, tmp_path, Breaking(other), silent, QUICK)
    assert FILE.sha256 in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_that_was_found_is_named_beside_the_right_one(tmp_path: Path) -> None:
    other = DATA[:-1] + b"x"
    with pytest.raises(WrongBytes, match=hashlib.sha256(other).hexdigest()):
        bring(FILE, tmp_path, Breaking(other), silent, QUICK)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not what"),
        ("{}", "has no 'bucket'"),
        ('{"bucket": "b", "region": "r", "endpoint": null, "folder": "/m", "files": [{"name": "../x"}]}', "sha256"),
        (
            '{"bucket": "b", "region": "r", "endpoint": null, "folder": "/m",'
            ' "files": [{"name": "../x", "key": "k", "size": 1, "sha256": "' + "0" * 64 + '"}]}',
            "no path below",
        ),
    ],
)
def test_what_slipway_does_not_render_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadWanted, match=said):
        wanted({"SLIPWAY_WEIGHTS": text})

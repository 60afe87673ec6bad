"""The disk of `make soak` that loses power: what was synced is there, and what was not is lost in part."""

from pathlib import Path

from tests.support.losing_tree import File, LosingTree


def written(tree: LosingTree, name: str, data: bytes, *, synced: bool) -> None:
    """Make a file, as FUSE would."""
    file = File(b"", 0o600)
    tree.name(lambda names: names.__setitem__(name, file))
    file.data[:] = data
    if synced:
        file.synced = bytes(data)


def test_what_was_synced_with_its_name_is_always_there(tmp_path: Path) -> None:
    for seed in range(30):
        tree = LosingTree(seed)
        written(tree, "/record", b"good", synced=True)
        tree.sync_names()
        tree.left(tmp_path)
        assert (tmp_path / "record").read_bytes() == b"good"


def test_names_are_lost_from_the_last_one_on_and_data_in_part(tmp_path: Path) -> None:
    found = set()
    for seed in range(60):
        tree = LosingTree(seed)
        written(tree, "/one", b"x" * 10_000, synced=False)
        written(tree, "/two", b"y" * 10_000, synced=True)
        tree.left(tmp_path)
        names = sorted(one.name for one in tmp_path.iterdir())
        assert names in ([], ["one"], ["one", "two"])
        found.add((len(names), (tmp_path / "one").read_bytes() == b"x" * 10_000 if names else None))
    assert {number for number, _ in found} == {0, 1, 2}
    assert (1, False) in found, "what was not synced is not always whole"


def test_what_is_left_is_there_again_when_the_power_is_back(tmp_path: Path) -> None:
    tree = LosingTree(1)
    tree.name(lambda names: names.__setitem__("/configs", 0o700))
    written(tree, "/configs/a.json", b"{}", synced=True)
    tree.sync_names()
    tree.left(tmp_path)
    again = LosingTree(0)
    again.load(tmp_path)
    assert sorted(again.seen) == ["/", "/configs", "/configs/a.json"]
    file = again.seen["/configs/a.json"]
    assert isinstance(file, File)
    assert (bytes(file.data), file.mode) == (b"{}", 0o600)

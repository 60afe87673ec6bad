"""The journal: what is appended comes out once and in order, over restarts, torn ends and full disks."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slipway_keys.ledger.journal import Journal, JournalError


def drained(journal: Journal) -> list[bytes]:
    lines: list[bytes] = []
    while (batch := journal.batch()) is not None:
        lines += batch.lines
        journal.done(batch)
    return lines


def test_lines_come_out_in_their_order_and_leave_no_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=100)
    lines = [b'{"n":%d}' % number for number in range(200)]
    for line in lines:
        journal.append(line)
    assert len(list(tmp_path.glob("*.ndjson"))) > 10
    assert drained(journal) == lines
    journal.close()
    assert not list(tmp_path.glob("*.ndjson"))


@given(st.lists(st.one_of(st.integers(1, 40), st.just("kill"), st.just("write"), st.just("half"))))
def test_no_kill_loses_a_line(tmp_path_factory: pytest.TempPathFactory, steps: list[int | str]) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, segment_bytes=200)
    appended: list[bytes] = []
    written: list[bytes] = []
    for number, step in enumerate(steps):
        if step == "kill":
            journal = Journal(folder, segment_bytes=200)
        elif step == "write" and (batch := journal.batch()) is not None:
            written += batch.lines
            journal.done(batch)
        elif step == "half" and (batch := journal.batch()) is not None:
            written += batch.lines  # the database has them, and the process dies before it notes it
            journal = Journal(folder, segment_bytes=200)
        elif isinstance(step, int):
            line = b"%d-" % number + b"x" * step
            journal.append(line)
            appended.append(line)
    written += drained(Journal(folder, segment_bytes=200))
    assert set(written) == set(appended)


def test_a_torn_last_line_is_left_out_and_the_rest_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b'{"n":1}')
    path = next(tmp_path.glob("*.ndjson"))
    with path.open("ab") as file:
        file.write(b'{"n":')
    again = Journal(tmp_path)
    again.append(b'{"n":2}')
    assert drained(again) == [b'{"n":1}', b'{"n":2}']


def test_a_full_disk_refuses_a_line_whole_and_takes_the_next_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path)
    journal.append(b'{"n":1}')
    real = os.write

    def half(file: int, data: bytes) -> int:
        return real(file, data[:3])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(JournalError, match="the disk is full"):
        journal.append(b'{"n":2}')

    def none(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", none)
    with pytest.raises(JournalError, match="No space left"):
        journal.append(b'{"n":3}')
    monkeypatch.setattr(os, "write", real)
    journal.append(b'{"n":4}')
    assert drained(Journal(tmp_path)) == [b'{"n":1}', b'{"n":4}']
    assert capsys.readouterr().err.count("journal full") == 1


def test_it_takes_no_more_than_its_share(tmp_path: Path) -> None:
    journal = Journal(tmp_path, most_bytes=1000, segment_bytes=100)
    with pytest.raises(JournalError, match="wait for the database"):
        for number in range(1000):
            journal.append(b"%d" % number)
    assert journal.pending_bytes <= 1100
    lines = drained(journal)
    journal.append(b"more")
    assert drained(journal) == [b"more"]
    assert lines == [b"%d" % number for number in range(len(lines))]

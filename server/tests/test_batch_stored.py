"""A Job's part of a batch: rows and parts travel by signed addresses, through a store that breaks and refuses."""

import contextlib
import gzip
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import onnx_models
import processes
import pytest
from slipway_server.batch.addresses import Addresses, StoreBroke, Tries
from slipway_server.batch.parts import BatchError
from slipway_server.batch.work import Source
from test_batch import TABULAR, command

TAG = '"of-the-rows"'
QUICK = Tries(3, 0.0)


class Store(ThreadingHTTPServer):
    """A stand-in for a store of objects: an address is good for the method that it names, and for no other.

    Attributes:
        objects: by key.
        failing: how many calls are answered 503 first.
        cut: how many answers to GET end in their midst.
        calls: method and key of each.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.failing = self.cut = 0
        self.calls: list[tuple[str, str]] = []

    def address(self, method: str, key: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{key}?signed={method}"


class _Handler(BaseHTTPRequestHandler):
    server: Store
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        data = self._found()
        if data is None:
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if self.headers["If-Match"] != TAG:
            self._answer(412)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.server.cut:
            self.server.cut -= 1
            self.wfile.write(data[start : start + (len(data) - start) // 2])
            self.close_connection = True
        else:
            self.wfile.write(data[start:])

    def do_HEAD(self) -> None:
        if self._found() is not None:
            self._answer(200)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._allowed():
            self.server.objects[self._key] = body
            self._answer(200)

    @property
    def _key(self) -> str:
        return self.path[1:].partition("?")[0]

    def _found(self) -> bytes | None:
        if not self._allowed():
            return None
        if self._key not in self.server.objects:
            self._answer(404)
        return self.server.objects.get(self._key)

    def _allowed(self) -> bool:
        self.server.calls.append((self.command, self._key))
        if self.server.failing:
            self.server.failing -= 1
            self._answer(503)
            return False
        if self.path.endswith(f"?signed={self.command}"):
            return True
        self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        return False

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0" if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    with contextlib.closing(made.socket):
        yield made
        made.shutdown()
        thread.join()


def told(folder: Path, store: Store, parts: int, *, workers: int = 1) -> Path:
    """What `slipway batch` puts beside a Job."""
    data = store.objects["rows.jsonl"]
    keys = [*(f"part-{number:06d}.jsonl" for number in range(parts)), "done.json"]
    targets = [{"head": store.address("HEAD", key), "put": store.address("PUT", key)} for key in keys]
    said = {
        "input": {"get": store.address("GET", "rows.jsonl"), "size": len(data), "tag": TAG},
        "suffix": ".jsonl",
        "parts": targets[:-1],
        "done": targets[-1],
        "workers": workers,
    }
    work = folder / "work"
    work.mkdir(exist_ok=True)
    (work / "work.json.gz").write_bytes(gzip.compress(json.dumps(said).encode()))
    return work


def run(folder: Path, work: Path, worker: int = 0) -> tuple[int, list[dict[str, Any]]]:
    config = processes.config_for(onnx_models.tabular(folder), TABULAR)
    data = folder / f"data-{worker}"
    data.mkdir(exist_ok=True)
    words, environ = command(config, folder, "--work", work, data)
    environ["JOB_COMPLETION_INDEX"] = str(worker)
    ran = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]


def lines(count: int) -> bytes:
    rows = [{"inputs": {"features": [[n, 2, 3]], "weight": [[1]]}} for n in range(count)]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_workers_share_the_parts_and_the_last_one_says_that_all_are_there(tmp_path: Path, store: Store) -> None:
    store.objects["rows.jsonl"] = lines(10)
    work = told(tmp_path, store, 4, workers=2)
    assert run(tmp_path, work, 1)[0] == 0
    assert sorted(store.objects) == ["part-000002.jsonl", "part-000003.jsonl", "rows.jsonl"]
    before = dict(store.objects)
    code, events = run(tmp_path, work, 0)
    assert code == 0
    assert [one["number"] for one in events if one["event"] == "part"] == [0, 1]
    assert json.loads(store.objects["done.json"]) == {"rows": 10, "parts": 4}
    assert before.items() <= store.objects.items()
    answers = b"".join(store.objects[f"part-{number:06d}.jsonl"] for number in range(4)).splitlines()
    assert [json.loads(one)["outputs"]["score"] for one in answers] == [[[n + 5]] for n in range(10)]


def test_fewer_rows_than_parts_make_fewer_parts(tmp_path: Path, store: Store) -> None:
    store.objects["rows.jsonl"] = lines(3)
    store.objects["part-000001.jsonl"] = b"there\n"
    code, events = run(tmp_path, told(tmp_path, store, 8))
    assert code == 0
    assert [one["number"] for one in events if one["event"] == "part"] == [0, 2]
    assert json.loads(store.objects["done.json"]) == {"rows": 3, "parts": 3}
    assert store.objects["part-000001.jsonl"] == b"there\n"


def test_an_input_comes_whole_through_a_store_that_breaks_off(tmp_path: Path, store: Store) -> None:
    store.objects["rows"] = bytes(range(256)) * 999
    store.failing, store.cut = 1, 2
    source = Source(store.address("GET", "rows"), len(store.objects["rows"]), TAG)
    Addresses(None, QUICK).fetch(source, tmp_path / "rows")
    assert (tmp_path / "rows").read_bytes() == store.objects["rows"]
    assert store.calls == [("GET", "rows")] * 4


@pytest.mark.parametrize(
    ("tag", "key", "method", "words"),
    [
        ('"other"', "rows", "GET", "it was written anew"),
        (TAG, "none", "GET", "it was deleted"),
        (TAG, "rows", "PUT", "refuses GET: SignatureDoesNotMatch; allowed: addresses that are a day old"),
    ],
)
def test_an_input_that_is_another_or_refused_ends_the_run(
    tmp_path: Path, store: Store, tag: str, key: str, method: str, words: str
) -> None:
    store.objects["rows"] = b"rows"
    with pytest.raises(BatchError, match=words):
        Addresses(None, QUICK).fetch(Source(store.address(method, key), 4, tag), tmp_path / "rows")


def test_a_store_that_is_away_is_asked_a_few_times_and_then_given_up(store: Store) -> None:
    store.failing = 2
    Addresses(None, QUICK).put(store.address("PUT", "part"), b"a part")
    assert store.objects == {"part": b"a part"}
    store.failing = 3
    with pytest.raises(StoreBroke, match="3 times: HEAD is answered 503"):
        Addresses(None, QUICK).is_there(store.address("HEAD", "part"))
    assert store.failing == 0
    assert Addresses(None, QUICK).is_there(store.address("HEAD", "part"))
    assert not Addresses(None, QUICK).is_there(store.address("HEAD", "other"))


def test_what_is_not_what_the_command_writes_is_refused(tmp_path: Path, store: Store) -> None:
    store.objects["rows.jsonl"] = lines(1)
    work = told(tmp_path, store, 1)
    (work / "work.json.gz").write_bytes(gzip.compress(b'{"input": {}}'))
    code, events = run(tmp_path, work)
    assert (code, events[-1]["event"]) == (1, "failed")
    assert "is not what `slipway batch` writes (KeyError: 'get')" in events[-1]["reason"]

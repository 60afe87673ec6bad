"""A file comes whole over a connection that does not behave, or not at all, and then the message says why."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from slipway.errors.failures import NoSpace
from slipway.reading.files import BadFile
from slipway.sources.address import parse_address
from slipway.sources.cache import Cache, Part
from slipway.sources.refusals import NotCached, WrongDigest
from slipway.sources.store import Store
from tests.support.looking import until
from tests.support.weights_server import Handler, Server, basic, weights_server
from tests.unit.sources.conftest import QUICK

DATA = bytes(range(256)) * 12_000
SHA256 = hashlib.sha256(DATA).hexdigest()


def bring(store: Store, server: Server, path: str = "/model.onnx", sha256: str = SHA256) -> bytes:
    return store.bring(parse_address(server.url + path), sha256).read_bytes()


def problem(store: Store, server: Server, path: str = "/model.onnx") -> str:
    with pytest.raises(BadFile) as refused:
        bring(store, server, path, hashlib.sha256(path.encode()).hexdigest())
    assert refused.value.allowed
    assert refused.value.todo
    return refused.value.problem


def leftovers(cache: Cache) -> list[str]:
    return sorted(path.name for path in (cache.folder / "sha256").iterdir())


def test_a_file_is_fetched_once_and_then_found_without_a_network(server: Server, store: Store, cache: Cache) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(DATA)
    assert bring(store, server) == DATA
    assert bring(Store(cache, offline=True), server) == DATA
    assert len(server.asked) == 1
    assert leftovers(cache) == [SHA256]
    assert not (cache.folder / "sha256" / SHA256).stat().st_mode & 0o222


def test_offline_refuses_what_is_not_in_the_cache_and_asks_nobody(server: Server, cache: Cache) -> None:
    with pytest.raises(NotCached, match="is not in the cache of this machine"):
        bring(Store(cache, offline=True), server)
    with pytest.raises(NotCached):
        Store(cache, offline=True).look_up(parse_address(f"{server.url}/model.onnx"))
    assert server.asked == []


def test_a_transfer_that_breaks_off_goes_on_where_it_was(server: Server, store: Store, told: list[str]) -> None:
    stops = iter([1_000_000, 2_000_000, None])
    server.answers["/model.onnx"] = lambda it: it.send(DATA, upto=next(stops))
    assert bring(store, server) == DATA
    assert server.ranges == [None, "bytes=1000000-", "bytes=2000000-"]
    assert any("trying again" in text for text in told)


def test_a_run_goes_on_where_an_earlier_one_gave_up(server: Server, store: Store, cache: Cache) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(DATA, upto=1_000_000)
    said = problem(store, server)
    assert "could not be fetched in 3 tries: " in said
    assert said.endswith(f"1000000 of {len(DATA)} bytes are kept, and the next run continues from there")
    assert leftovers(cache) == []
    server.answers["/model.onnx"] = lambda it: it.send(DATA)
    server.asked.clear()
    assert bring(Store(cache, limits=QUICK), server) == DATA
    assert server.ranges == ["bytes=1000000-"]


def test_a_run_that_is_killed_leaves_nothing_half_and_the_next_one_goes_on(server: Server, cache: Cache) -> None:
    going_on = threading.Event()

    def stuck(it: Handler) -> None:
        it.send(DATA, upto=2_000_000)
        going_on.wait(30)

    server.answers["/model.onnx"] = stuck
    code = f"""
from pathlib import Path
from slipway.sources.address import parse_address
from slipway.sources.cache import Cache
from slipway.sources.store import Store
Store(Cache(Path({str(cache.folder)!r}))).bring(parse_address({server.url + "/model.onnx"!r}), {SHA256!r})
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        until("bytes arrive", lambda: any(path.stat().st_size for path in cache.folder.glob("partial/*.part")), 30)
    finally:
        process.kill()
        process.wait(10)
        going_on.set()
    assert leftovers(cache) == []
    server.answers["/model.onnx"] = lambda it: it.send(DATA)
    assert bring(Store(cache, limits=QUICK), server) == DATA
    resumed = server.ranges[-1]
    assert resumed is not None
    assert 0 < int(resumed.removeprefix("bytes=").rstrip("-")) <= 2_000_000


def test_a_file_that_changes_between_two_ranges_is_fetched_anew(server: Server, store: Store) -> None:
    other = bytes(len(DATA))
    versions = iter([(other, '"old"', 1_000_000), (DATA, '"new"', None)])

    def answer(it: Handler) -> None:
        data, tag, upto = next(versions)
        it.send(data, tag, upto)

    server.answers["/model.onnx"] = answer
    assert bring(store, server) == DATA


def test_a_change_that_no_etag_tells_is_seen_by_the_digest(server: Server, store: Store, cache: Cache) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(bytes(len(DATA)), None, 1_000_000)
    problem(store, server)
    server.answers["/model.onnx"] = lambda it: it.send(DATA, None)
    assert bring(Store(cache, limits=QUICK), server) == DATA


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(server: Server, store: Store) -> None:
    stops = iter([1_000_000, None])
    server.answers["/model.onnx"] = lambda it: it.send(DATA, upto=next(stops), ranges=False)
    assert bring(store, server) == DATA


def test_a_server_that_never_gets_to_the_end_is_given_up(server: Server, store: Store) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(DATA, upto=2_500_000, ranges=False)
    assert "could not be fetched" in problem(store, server)
    assert len(server.asked) < 10


def test_what_became_shorter_than_what_is_here_is_fetched_anew(server: Server, store: Store, cache: Cache) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(DATA * 2, None, len(DATA) + 5)
    problem(store, server)
    server.answers["/model.onnx"] = lambda it: it.send(DATA, None)
    assert bring(Store(cache, limits=QUICK), server) == DATA


def test_another_file_is_refused_with_both_digests_and_is_never_used(
    server: Server, store: Store, cache: Cache
) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(b"another")
    with pytest.raises(WrongDigest) as refused:
        bring(store, server)
    found = hashlib.sha256(b"another").hexdigest()
    assert SHA256 in refused.value.allowed
    assert found in refused.value.problem
    assert cache.find(SHA256) is None


def test_the_digest_of_an_address_is_looked_up_and_its_file_is_kept(server: Server, store: Store, cache: Cache) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(DATA)
    assert store.look_up(parse_address(f"{server.url}/model.onnx")) == (SHA256, len(DATA))
    assert bring(Store(cache, offline=True), server) == DATA


def test_a_damaged_file_of_the_cache_is_fetched_anew(server: Server, store: Store, cache: Cache) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(DATA)
    bring(store, server)
    damaged = cache.folder / "sha256" / SHA256
    damaged.chmod(0o644)
    damaged.write_bytes(b"cut off")
    assert bring(store, server) == DATA


def test_silence_and_trickles_end_with_a_reason(server: Server, store: Store) -> None:
    def silent(it: Handler) -> None:
        it.send(DATA, upto=10_000)
        it.wfile.flush()
        time.sleep(1)

    def trickling(it: Handler) -> None:
        it.send_response(200)
        it.send_header("Content-Length", str(len(DATA)))
        it.end_headers()
        for _ in range(40):
            it.wfile.write(b"x" * 8)
            it.wfile.flush()
            time.sleep(0.05)

    server.answers["/silent"] = silent
    server.answers["/trickling"] = trickling
    assert "was silent for too long" in problem(store, server, "/silent")
    assert "bytes came in" in problem(store, server, "/trickling")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (401, "is refused by {host}, which answers 401"),
        (403, "is refused by {host}, which answers 403"),
        (404, "is not there: {host} answers 404"),
        (451, "cannot be had: {host} answers 451"),
    ],
)
def test_what_a_server_refuses_is_not_asked_for_again(server: Server, store: Store, code: int, said: str) -> None:
    server.answers["/model.onnx"] = lambda it: it.status(code)
    assert problem(store, server) == said.format(host=server.url.removeprefix("https://"))
    assert len(server.asked) == 1


def test_a_server_that_is_not_well_is_asked_again(server: Server, store: Store) -> None:
    codes = iter([503, 429])

    def answer(it: Handler) -> None:
        code = next(codes, None)
        if code:
            it.status(code)
        else:
            it.send(DATA)

    server.answers["/model.onnx"] = answer
    assert bring(store, server) == DATA


@pytest.mark.parametrize("to", ["http://192.0.2.1/x?sig=SECRET", "file:///etc/passwd", "ftp://192.0.2.1/x"])
def test_a_redirect_leads_to_https_only(server: Server, store: Store, to: str) -> None:
    server.answers["/model.onnx"] = lambda it: it.status(302, Location=to)
    said = problem(store, server)
    assert said.startswith("redirects to ")
    assert "SECRET" not in said


def test_a_redirect_is_followed_and_one_without_an_end_is_refused(server: Server, store: Store) -> None:
    server.answers["/model.onnx"] = lambda it: it.status(302, Location="/elsewhere?sig=SECRET")
    server.answers["/elsewhere"] = lambda it: it.send(DATA)
    server.answers["/circle"] = lambda it: it.status(302, Location="/circle")
    assert bring(store, server) == DATA
    assert problem(store, server, "/circle") == "redirects more than 5 times"


def test_a_redirect_to_another_server_is_shown_nothing(
    server: Server, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login anna password SECRET\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    (tmp_path / "other").mkdir()
    with weights_server(tmp_path / "other") as other:
        trusted = server.certificate.read_bytes() + other.certificate.read_bytes()
        (tmp_path / "both.pem").write_bytes(trusted)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "both.pem"))
        server.answers["/model.onnx"] = lambda it: it.status(302, Location=f"{other.url}/blob")
        other.answers["/blob"] = lambda it: it.send(DATA)
        assert bring(store, server) == DATA
        assert [sent for _, _, sent in server.asked] == [basic("anna", "SECRET")]
        assert [sent for _, _, sent in other.asked] == [None]


def test_credentials_come_from_netrc_and_no_message_has_them(
    server: Server, store: Store, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login anna password SECRET\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    stops = iter([1_000_000, None])
    server.answers["/model.onnx"] = lambda it: it.send(DATA, upto=next(stops))
    server.answers["/refused"] = lambda it: it.status(403)
    assert bring(store, server) == DATA
    assert {sent for _, _, sent in server.asked} == {basic("anna", "SECRET")}
    assert "SECRET" not in problem(store, server, "/refused") + "".join(told)
    on_disk = [path.read_bytes() for path in tmp_path.joinpath("cache").rglob("*") if path.is_file()]
    assert not any(b"SECRET" in data for data in on_disk)


def test_a_server_that_is_away_or_not_trusted_is_named(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = parse_address("https://127.0.0.1:1/model.onnx")
    with pytest.raises(BadFile, match=r"127\.0\.0\.1 refuses the connection"):
        store.bring(away, SHA256)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert "certificate that is not trusted" in problem(store, server)


def test_a_file_that_is_larger_than_it_may_be_is_not_fetched_to_its_end(
    server: Server, store: Store, cache: Cache
) -> None:
    def endless(it: Handler) -> None:
        it.send_response(200)
        it.end_headers()
        for _ in range(100):
            it.wfile.write(DATA)

    server.answers["/announced"] = lambda it: it.send(DATA)
    server.answers["/endless"] = endless
    for path in ("/announced", "/endless"):
        with pytest.raises(BadFile, match="has more than 1000000 bytes"):
            store.bring(parse_address(server.url + path), SHA256, most=1_000_000)
    assert len(server.asked) == 2
    assert [path.stat().st_size for path in cache.folder.glob("partial/*.part")] == [0, 0]


def test_a_disk_that_is_full_half_way_is_no_fault_of_the_source(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(part: Part, block: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Part, "write", write)
    server.answers["/model.onnx"] = lambda it: it.send(DATA)
    with pytest.raises(NoSpace, match="XDG_CACHE_HOME names another folder"):
        bring(store, server)
    assert len(server.asked) == 1


def test_a_file_that_is_larger_than_the_disk_is_refused_before_it_comes(
    server: Server, store: Store, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10**6))
    server.answers["/model.onnx"] = lambda it: it.send(DATA)
    with pytest.raises(NoSpace, match=r"are needed and .* are free"):
        bring(store, server)
    assert leftovers(cache) == []

"""Bodies come compressed and answers go compressed, and none unpacks to more than a body may have."""

import asyncio
import gzip
import json
import random
import tracemalloc
import zlib
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import DIGITS, Server
from slipway_server.http import compression
from slipway_server.http.compression import accepted_encoding, answer_encoding, deflated, inflated
from slipway_server.values.errors import BadRequest
from starlette.exceptions import HTTPException

CHECK = json.loads((DIGITS / "check.json").read_text())
BODY = json.dumps(CHECK).encode()
ROOM = 1_000_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


ONE_PART: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
]
PACKERS = [*ONE_PART, ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(b"") + gzip.compress(data[9:]))]


async def unpack(data: bytes, encoding: str, room: int = ROOM) -> bytes:
    def hold(size: int, before: int) -> None:
        if before + size > room:
            raise HTTPException(413)

    return await inflated(data, encoding, hold)


def run(coroutine: Coroutine[None, None, bytes]) -> bytes:
    return asyncio.run(coroutine)


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=5000) | st.integers(0, 300_000).map(bytes))
def test_what_was_packed_comes_out(encoding: str, pack: Callable[[bytes], bytes], data: bytes) -> None:
    assert run(unpack(pack(data), encoding)) == data


@pytest.mark.parametrize(("encoding", "pack"), ONE_PART)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=100), cut=st.floats(0, 1, exclude_max=True), more=st.binary(min_size=1, max_size=9))
def test_what_is_cut_off_or_followed_by_more_is_refused(
    encoding: str, pack: Callable[[bytes], bytes], data: bytes, cut: float, more: bytes
) -> None:
    packed = pack(data)
    for wrong in (packed[: int(len(packed) * cut)], packed + more):
        with pytest.raises(BadRequest, match="though `Content-Encoding` says so"):
            run(unpack(wrong, encoding))


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_a_bomb_is_refused_long_before_it_has_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(HTTPException) as caught:
            run(unpack(bomb, encoding))
        highest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.status_code == 413
    assert highest < ROOM + 4 * compression._PIECE_BYTES


def test_gzip_of_a_million_empty_parts_is_refused() -> None:
    with pytest.raises(BadRequest, match="more follows after its end"):
        run(unpack(gzip.compress(b"") * 100_000, "gzip"))


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("deflate, gzip", "gzip"),
        ("deflate;q=1.0, gzip;q=0.5", "deflate"),
        ("gzip;q=0, deflate", "deflate"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0, *", "deflate"),
        ("br", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("gzip;q=often", None),
        ("", None),
        (";;;,,,", None),
    ],
)
def test_the_encoding_that_a_client_prefers_is_used(header: str, encoding: str | None) -> None:
    assert accepted_encoding(header) == encoding


@pytest.mark.parametrize("size", [2_000, 500_000])
@pytest.mark.parametrize(("encoding", "unpacked"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_an_answer_is_packed_as_its_encoding_says(size: int, encoding: str, unpacked: Callable[[bytes], bytes]) -> None:
    body = random.Random(0).randbytes(size)
    assert answer_encoding(body, encoding.encode()) == encoding
    assert unpacked(run(deflated(body, encoding))) == body


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@pytest.mark.parametrize("path", ["/predict", "/v2/models/digits/infer"])
def test_a_compressed_body_is_answered_as_it_would_be(
    digits: Server, encoding: str, pack: Callable[[bytes], bytes], path: str
) -> None:
    tensor = {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": CHECK["inputs"]["image"]}
    body = BODY if path == "/predict" else json.dumps({"inputs": [tensor]}).encode()
    answer = digits.ask("POST", path, pack(body), content_encoding=encoding)
    assert answer.status == 200, answer.body
    assert answer.json == digits.ask("POST", path, body).json


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_a_small_body_that_unpacks_to_too_much_gets_413_and_leaves_no_room_taken(
    digits: Server, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    bomb = pack(b" " * 50_000_000)
    for _ in range(10):
        answer = digits.ask("POST", "/predict", bomb, content_encoding=encoding)
        assert answer.status == 413
        assert "at most 200000 bytes" in answer.json["error"]
    almost = pack(b" " * 190_000 + BODY)
    for _ in range(10):
        assert digits.ask("POST", "/predict", almost, content_encoding=encoding).status == 200


def test_a_body_that_is_not_compressed_as_it_says_gets_400(digits: Server) -> None:
    answer = digits.ask("POST", "/predict", BODY, content_encoding="gzip")
    assert answer.status == 400
    assert "is no gzip, though `Content-Encoding` says so" in answer.json["error"]


def test_another_encoding_is_refused_with_those_that_are_known(digits: Server) -> None:
    answer = digits.ask("POST", "/predict", BODY, content_encoding="br")
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip, deflate")


def test_small_answers_are_not_compressed(digits: Server) -> None:
    answer = digits.ask("POST", "/predict", BODY, accept_encoding="gzip, deflate")
    assert "content-encoding" not in answer.headers
    assert answer.json["outputs"]["label"] == [7]

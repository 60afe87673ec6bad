"""Weights on the control side: kept by digest, given to the devices whose documents name them, and told in settings."""

import asyncio
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from pydantic import ValidationError
from slipway_edge.fetching import pieces
from slipway_edge.values.document import Weights, parse

from slipway.artifacts.onnx import ArtifactFile
from slipway.delivery.ways import Stored
from slipway.edge.conduct import Conductor
from slipway.edge.documents import canonical, content
from slipway.edge.server import application
from slipway.edge.shelf import FRESH_S, PIECE, Shelf, digests_of, shelf_path
from slipway.edge.shelving import shelved
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Store, opened
from slipway.environments.planning.kinds import planning
from slipway.errors.images import FileChanged
from tests.bench.device_weights import fetched
from tests.support.fleets import an_entry, fleet_settings, new_key
from tests.support.simulated_devices import SimulatedDevice

DATA = bytes(range(256)) * (9 * 2**20 // 256) + b"end"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "fleets" / "edge-eu.sqlite") as store:
        yield store


def file_of(folder: Path, data: bytes, name: str = "model.onnx") -> ArtifactFile:
    (folder / name).write_bytes(data)
    return ArtifactFile(name, folder / name, len(data), hashlib.sha256(data).hexdigest())


def stored(*files: ArtifactFile) -> Stored:
    store = planning(fleet_settings(1)).model_store("edge-eu", "digits")
    assert store is not None
    return Stored(store, files, "/opt/slipway/model")


def silent(_: str) -> None: ...


def never(_: object) -> None:
    raise AssertionError("it is here")


def put(folder: Path, *files: ArtifactFile) -> dict[str, Any]:
    return shelved(Shelf(folder), stored(*files), lambda _: None, silent)


def test_an_agent_takes_what_is_said_of_weights_and_cuts_them_into_the_same_pieces(tmp_path: Path) -> None:
    said = put(tmp_path / "shelf", file_of(tmp_path, DATA), file_of(tmp_path, b"small", "small"))
    weights = Weights.model_validate(said)
    large, small = weights.files
    assert (pieces.PIECE, pieces.count(large.bytes)) == (PIECE, 3)
    listed = (tmp_path / "shelf" / str(large.pieces)).read_bytes()
    assert pieces.is_list(large, listed)
    digests = pieces.digests(large, listed)
    for number, digest in enumerate(digests):
        first, last = pieces.bounds(large.bytes, number)
        assert hashlib.sha256(DATA[first:last]).digest() == digest
    assert small.pieces is None


def test_what_is_here_is_not_read_again_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = file_of(tmp_path, DATA)
    said = put(tmp_path / "shelf", file)
    file.path.unlink()
    assert shelved(Shelf(tmp_path / "shelf"), stored(file), never, silent) == said
    assert stat.S_IMODE((tmp_path / "shelf").stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "shelf").iterdir()} == {0o600}


def test_a_file_that_changed_since_the_plan_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    file = file_of(tmp_path, DATA)
    file.path.write_bytes(DATA[:-1] + b"?")
    with pytest.raises(FileChanged, match="was planned"):
        put(tmp_path / "shelf", file)
    assert list((tmp_path / "shelf").iterdir()) == []


def test_only_what_is_old_and_of_no_release_is_deleted(tmp_path: Path, store: Store) -> None:
    folder = shelf_path(Path(store.where))
    assert folder.name == "edge-eu.weights"
    kept, gone, fresh = (put(folder, file_of(tmp_path, DATA[number:])) for number in range(3))
    old = time.time() - FRESH_S - 10
    for said in (kept, gone):
        for digest in digests_of({"weights": said}):
            os.utime(folder / digest, (old, old))
    conductor = Conductor("edge-eu", fleet_settings(1), store, new_key(), time.time)
    conductor.start(an_entry() | {"weights": kept}, ("box-00000",))
    assert Shelf(folder).tidy(conductor.needed()) == 2
    left = {path.name for path in folder.iterdir()}
    assert left == digests_of({"weights": kept}) | digests_of({"weights": fresh})


@pytest.mark.parametrize("name", ["../edge-eu.sqlite", "0" * 63, "A" * 64, ""])
def test_what_is_no_digest_is_nothing(tmp_path: Path, name: str) -> None:
    assert Shelf(tmp_path).find(name) is None


def test_a_device_gets_the_bytes_it_asks_for_of_its_own_weights_and_of_no_others(tmp_path: Path, store: Store) -> None:
    settings, key = fleet_settings(2), new_key()
    store.set_meta(SIGNING_KEY, as_text(key.public))
    conductor = Conductor("edge-eu", settings, store, key, time.time)
    folder = shelf_path(Path(store.where))
    mine, other = put(folder, file_of(tmp_path, DATA)), put(folder, file_of(tmp_path, DATA[1:]))
    digest, pieces_ = mine["files"][0]["sha256"], mine["files"][0]["pieces"]

    async def work() -> None:
        server = TestServer(application("edge-eu", store, shelf=Shelf(folder)))
        await server.start_server()
        url = str(server.make_url("")).rstrip("/")

        async with asyncio.timeout(60), ClientSession() as session:
            device = SimulatedDevice("box-00000", url)
            with store.changing():
                token = store.invite(device.name)
            assert (await device.enrol(session, token)).status == 200

            async def asked(of: str, span: str | None, **changed: str) -> tuple[int, bytes, str | None]:
                path = f"/v1/devices/{device.name}/weights/{of}"
                headers = device.headers("GET", path) | ({} if span is None else {"Range": span}) | changed
                async with session.get(url + path, headers=headers) as answer:
                    assert "Date" in answer.headers
                    return answer.status, await answer.read(), answer.headers.get("Content-Range")

            assert (await asked(digest, None))[0] == 404
            conductor.start(an_entry() | {"weights": mine}, (device.name,))
            status, body, span = await asked(digest, f"bytes={PIECE}-{2 * PIECE - 1}")
            assert (status, body) == (206, DATA[PIECE : 2 * PIECE])
            assert span == f"bytes {PIECE}-{2 * PIECE - 1}/{len(DATA)}"
            assert (await asked(digest, f"bytes={len(DATA)}-{len(DATA) + 1}"))[0] == 416
            assert (await asked(pieces_, "bytes=0-95"))[:2] == (206, (folder / pieces_).read_bytes())
            # Another's, one that is not there, and one whose request somebody else sends.
            assert (await asked(other["files"][0]["sha256"], "bytes=0-9"))[0] == 404
            assert (await asked("0" * 64, "bytes=0-9"))[0] == 404
            assert (await asked(digest, "bytes=0-9", **{"X-Slipway-Nonce": "999"}))[0] == 401
            with store.changing():
                store.set_state(device.name, "retired")
                conductor.publish([device.name])
            assert (await asked(digest, "bytes=0-9"))[0] == 404
            with store.changing():
                store.set_state(device.name, "revoked")
            assert (await asked(digest, "bytes=0-9"))[0] == 403
        await server.close()

    asyncio.run(work())


LINKS = {"berlin": {"bandwidth": "1Mi", "hours": ["22:00-06:00"], "zone": "Europe/Berlin"}}


def test_a_sites_bandwidth_is_shared_by_its_devices_and_the_agent_takes_what_documents_say() -> None:
    settings = fleet_settings(4, links=LINKS)
    said = content("edge-eu", settings, "box-00001", [])
    assert said["pull"] == {"bytes_per_s": 2**18, "hours": ["22:00-06:00"], "zone": "Europe/Berlin"}
    document = parse(canonical(said | {"serial": 1, "issued": ""}))
    assert document.pull.bytes_per_s == 2**18


@pytest.mark.parametrize("links", [{}, {"berlin": {}}], ids=["none", "empty"])
def test_a_document_says_nothing_of_a_link_that_nobody_said_anything_of(links: dict[str, Any]) -> None:
    assert "pull" not in content("edge-eu", fleet_settings(1, links=links), "box-00000", [])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"links": {"lyon": {}}}, "lyon is not known"),
        ({"links": {"berlin": {"bandwidth": "8Ki"}}}, "8Ki a second is too little for berlin"),
        ({"links": {"berlin": {"hours": ["22-06"]}}}, "is no part of a day"),
        ({"links": {"berlin": {"hours": ["06:00-06:00"]}}}, "is no part of a day"),
        ({"links": {"berlin": {"hours": ["22:00-06:00"], "zone": "Berlin"}}}, "is no time zone"),
        ({"links": {"berlin": {"zone": "Europe/Berlin"}}}, "is there without hours"),
        ({"links": LINKS, "away": {"deadline": "12h"}}, "would count as failed before they come"),
    ],
    ids=["site", "little", "form", "nothing", "zone", "alone", "deadline"],
)
def test_links_that_cannot_be_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        fleet_settings(2, **changed)


def test_a_link_that_is_cut_at_random_carries_the_file_once_and_a_piece_for_each_start(tmp_path: Path) -> None:
    row = fetched(tmp_path, 9 * 2**20 + 7, 8, 4)
    assert row["cut"] == 8
    # A start loses the piece that was on its way; headers of HTTP are a thousandth.
    assert row["down"] <= (9 * 2**20 + 7) * 1.002 + (row["starts"] - 1) * PIECE

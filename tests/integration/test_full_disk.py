"""`slipway up` where something has no room: told in one message, what served serves, with room the next one converges.

The disks are small file systems of the tests' own, in place of the folder that each of them is about.
"""

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from slipway.errors.failures import NoSpace
from slipway.sources.address import parse_address
from slipway.sources.cache import Cache
from slipway.sources.store import Store
from slipway.sources.transfer import Limits
from tests.support.small_disks import Disk, docker_engine, registry, small_disk
from tests.support.weights_server import Handler, weights_server
from tests.support.workbench import Workbench, fresh

pytestmark = pytest.mark.integration

REGISTRY = "127.0.0.1:5998"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", "64m") as made:
        yield made


@pytest.fixture
def backend(disk: Disk, tmp_path: Path) -> Iterator[Workbench]:
    """An environment whose states are on the small disk."""
    workbench = Workbench(
        tmp_path / "repo", f"t{uuid.uuid4().hex[:8]}", {"PULUMI_BACKEND_URL": f"file://{disk.folder}"}
    )
    yield workbench
    disk.make_room()
    workbench.discard()


def right(bench: Workbench, version: str) -> None:
    """What serves is `version`, and it answers rightly."""
    (row,) = json.loads(bench.well("verify", bench.environment, "sums", "--json"))["models"]
    assert (row["version"], row["right"]) == (version, True)


def refused(bench: Workbench, path: str | Path, environ: dict[str, str] | None = None) -> str:
    """An `up` that has no room at `path`, where 1.0.0 served; gives what it said."""
    result = bench.up(environ=environ)
    told = result.stdout + result.stderr
    assert result.returncode in (2, 3), told
    assert re.search(rf"no space left on device.*{re.escape(str(path))}", told, re.IGNORECASE), told
    assert "next: free space there" in told, told
    assert "Traceback" not in told, told
    assert "bug" not in told, told
    right(bench, "1.0.0")
    return told


def converges(bench: Workbench, version: str) -> None:
    result = bench.up()
    assert result.returncode == 0, result.stdout + result.stderr
    right(bench, version)
    assert bench.objects() == bench.wanted()


def test_no_room_for_the_states_of_stacks(backend: Workbench, disk: Disk) -> None:
    backend.write("sums")
    assert backend.up().returncode == 0
    backend.write("sums", 3.0, version="1.1.0")
    disk.fill()
    refused(backend, disk.folder)
    backend.write("new")
    refused(backend, disk.folder)
    disk.make_room()
    converges(backend, "1.1.0")
    backend.down()


@pytest.mark.parametrize("pages", [4, 24, 60])
def test_the_room_for_states_ends_in_the_middle_of_an_up(backend: Workbench, disk: Disk, pages: int) -> None:
    backend.write("sums")
    assert backend.up().returncode == 0
    backend.write("sums", 3.0, version="1.1.0")
    disk.fill(but=pages * 4096)
    result = backend.up()
    told = result.stdout + result.stderr
    assert "Traceback" not in told, told
    assert result.returncode == 0 or "next: free space there" in told, told
    assert "right" in backend.well("verify", backend.environment, "sums")
    disk.make_room()
    converges(backend, "1.1.0")


def test_no_room_for_the_files_of_an_image(bench: Workbench, disk: Disk) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write("sums", 3.0, nodes=fresh(3.0, 1_000_000), version="1.1.0")
    disk.fill(but=1 << 20)
    refused(bench, disk.folder, {"TMPDIR": str(disk.folder)})
    disk.make_room()
    converges(bench, "1.1.0")


def test_no_room_for_images_in_the_docker_engine(bench: Workbench, tmp_path: Path) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write("sums", 3.0, nodes=fresh(3.0), version="1.1.0")
    with small_disk(tmp_path / "images", "96m") as images, docker_engine(tmp_path, images.folder) as host:
        told = refused(bench, images.folder, {"DOCKER_HOST": host})
        assert "docker system prune" in told
        images.resize("2g")
        bench.environ["DOCKER_HOST"] = host
        converges(bench, "1.1.0")
    del bench.environ["DOCKER_HOST"]


def test_no_room_for_the_wheels_and_none_in_the_registry(bench: Workbench, tmp_path: Path) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write_settings(registry=REGISTRY)
    bench.write("sums", 3.0, nodes=fresh(3.0), version="1.1.0")
    with small_disk(tmp_path / "blobs", "48m") as blobs, registry(tmp_path, blobs.folder, REGISTRY):
        with small_disk(tmp_path / "cache", "48m") as cache:
            refused(bench, cache.folder, {"XDG_CACHE_HOME": str(cache.folder)})
        result = bench.up()
        assert result.returncode == 2
        assert f"registry of {REGISTRY}/slipway/" in result.stderr
        assert "has space" in result.stderr
        assert "Traceback" not in result.stderr
        right(bench, "1.0.0")
        blobs.resize("1g")
        converges(bench, "1.1.0")


def test_no_room_for_weights_that_are_fetched(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 2**17

    def unannounced(it: Handler) -> None:
        it.send_response(200)
        it.end_headers()
        it.wfile.write(data)
        it.close_connection = True

    with weights_server(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
        address = parse_address(f"{server.url}/model.onnx")
        server.answers["/model.onnx"] = unannounced
        store, digest = (
            Store(Cache(disk.folder / "cache"), limits=Limits(silence_s=5, tries=2)),
            sha256(data).hexdigest(),
        )
        disk.fill(but=2**23)
        with pytest.raises(NoSpace, match=re.escape(str(disk.folder))):
            store.bring(address, digest)
        assert shutil.disk_usage(disk.folder).free > 2**22, "what had come is given up"
        disk.make_room()
        assert store.bring(address, digest).read_bytes() == data

"""A layer of an artifact comes from a real registry, Debian's docker-registry, with Docker's credentials."""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.reading.files import BadFile
from slipway.sources.address import OciAddress, parse_address
from slipway.sources.cache import Cache
from slipway.sources.oci import OciFile
from slipway.sources.store import Store
from slipway.sources.transfer import transfer
from tests.support.pushed_artifacts import push as push_files
from tests.support.registries import PASSWORD, USER, docker_registry
from tests.unit.sources.conftest import QUICK

pytestmark = pytest.mark.skipif(
    shutil.which("docker-registry") is None, reason="docker-registry not installed; `slipway local up` brings it"
)

DATA = bytes(range(256)) * 12_000
WEIGHTS = b"weights beside it" * 1000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry that asks for a password, which Docker's configuration has."""
    with docker_registry(tmp_path / "registry", login=True) as address:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (tmp_path / "home" / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
        yield address


def push(registry: str, tag: str, layers: dict[str, bytes]) -> str:
    return push_files(registry, "models/digits", tag, layers)


def test_the_only_layer_is_fetched_by_tag_and_by_digest(registry: str, store: Store, tmp_path: Path) -> None:
    digest = push(registry, "1.0.0", {"model.onnx": DATA})
    by_tag = OciAddress(registry, "models/digits", "1.0.0")
    assert store.bring(by_tag, sha256(DATA)).read_bytes() == DATA
    other = Store(Cache(tmp_path / "other"), limits=QUICK)
    by_digest = parse_address(f"oci://{registry}/models/digits@{digest}")
    assert other.bring(by_digest, sha256(DATA)).read_bytes() == DATA


def test_a_layer_is_named_by_its_title_and_external_data_lies_beside_it(registry: str, store: Store) -> None:
    push(registry, "2.0.0", {"model.onnx": DATA, "weights.bin": WEIGHTS})
    address = parse_address(f"oci://{registry}/models/digits:2.0.0#model.onnx")
    assert store.bring(address, sha256(DATA)).read_bytes() == DATA
    assert store.bring(address.beside("weights.bin"), sha256(WEIGHTS)).read_bytes() == WEIGHTS
    with pytest.raises(BadFile, match=r"has 2 layers: model\.onnx, weights\.bin"):
        store.bring(OciAddress(registry, "models/digits", "2.0.0"), "0" * 64)
    with pytest.raises(BadFile, match=r"has no layer with the title other\.onnx"):
        store.bring(address.beside("other.onnx"), "0" * 64)


def test_a_transfer_goes_on_where_it_was_unless_the_tag_moved(registry: str, cache: Cache) -> None:
    push(registry, "1.0.0", {"model.onnx": DATA})
    file = OciFile(OciAddress(registry, "models/digits", "1.0.0"), QUICK)
    with cache.part("one") as part:
        with file.open(0, None) as opened:
            part.begin(opened.version, opened.total)
            part.write(next(iter(opened.blocks))[:1000])
        with file.open(part.size, part.version) as opened:
            assert opened.start == 1000
        push(registry, "1.0.0", {"model.onnx": DATA[::-1]})
        transfer(file, part, QUICK, lambda _: None)
        assert part.sha256 == sha256(DATA[::-1])


def test_what_is_not_there_or_not_allowed_says_what_to_do(registry: str, store: Store, tmp_path: Path) -> None:
    push(registry, "1.0.0", {"model.onnx": DATA})
    with pytest.raises(BadFile, match="is not there: registry of"):
        store.bring(OciAddress(registry, "models/digits", "9.9.9"), "0" * 64)
    (tmp_path / "home" / "config.json").unlink()
    with pytest.raises(BadFile, match="refuses manifest") as refused:
        store.bring(OciAddress(registry, "models/digits", "1.0.0"), "0" * 64)
    assert refused.value.todo.startswith(f"docker login {registry}")

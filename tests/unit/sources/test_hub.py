"""A file of the Hugging Face hub comes from a mirror, or from the hub's own cache on this machine."""

import hashlib
from pathlib import Path

import pytest

from slipway.reading.files import BadFile
from slipway.sources.address import HubAddress
from slipway.sources.store import Store
from tests.support.weights_server import Server

DATA = bytes(range(256)) * 8_000
SHA256 = hashlib.sha256(DATA).hexdigest()
ADDRESS = HubAddress("org", "name", "main", "onnx/model.onnx")
PATH = "/org/name/resolve/main/onnx/model.onnx"


@pytest.fixture
def mirror(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    return server


def test_a_mirror_is_asked_as_the_hub_is_and_its_store_is_shown_no_token(
    mirror: Server, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cdn").mkdir()
    monkeypatch.setenv("HF_TOKEN", "hf_SECRET")
    elsewhere = mirror.url.replace("127.0.0.1", "localhost")
    mirror.answers[PATH] = lambda it: it.status(302, Location=f"{elsewhere}/blob")
    with pytest.raises(BadFile, match="not trusted"):  # another server, with another name
        store.bring(ADDRESS, SHA256)
    mirror.answers[PATH] = lambda it: it.status(302, Location="/blob")
    stops = iter([1_000_000, None])
    mirror.answers["/blob"] = lambda it: it.send(DATA, upto=next(stops))
    assert store.bring(ADDRESS, SHA256).read_bytes() == DATA
    assert {sent for path, _, sent in mirror.asked if path == PATH} == {"Bearer hf_SECRET"}
    assert mirror.ranges[-1] == "bytes=1000000-"


def test_a_token_of_hf_auth_login_is_used_and_wins_over_netrc(
    mirror: Server, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login anna password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    home = tmp_path / "home" / "huggingface"
    home.mkdir()
    (home / "token").write_text("hf_file\n")
    mirror.answers[PATH] = lambda it: it.send(DATA)
    store.bring(ADDRESS, SHA256)
    assert [sent for _, _, sent in mirror.asked] == ["Bearer hf_file"]


def test_a_gated_model_says_what_to_do(mirror: Server, store: Store) -> None:
    mirror.answers[PATH] = lambda it: it.status(403)
    with pytest.raises(BadFile) as refused:
        store.bring(ADDRESS, SHA256)
    assert "HF_TOKEN" in refused.value.todo
    assert "terms" in refused.value.todo


def test_a_file_of_the_hubs_cache_is_taken_without_a_network(
    mirror: Server, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = tmp_path / "hub" / "models--org--name"
    snapshot = model / "snapshots" / "abc123" / "onnx"
    snapshot.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("abc123")
    (model / "blobs").mkdir()
    (model / "blobs" / SHA256).write_bytes(DATA)
    (snapshot / "model.onnx").symlink_to(f"../../../blobs/{SHA256}")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert store.bring(ADDRESS, SHA256).read_bytes() == DATA
    assert mirror.asked == []
    outside = tmp_path / "outside"
    outside.write_bytes(b"private")
    (snapshot / "other.onnx").symlink_to(outside)
    with pytest.raises(BadFile, match="HF_HUB_OFFLINE is set"):
        store.bring(HubAddress("org", "name", "main", "onnx/other.onnx"), "0" * 64)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("http://mirror.example", "would get a credential in clear"),
        ("https://anna:SECRET@mirror.example", "with a user or a password in it"),
        ("mirror.example", "is no web address"),
    ],
)
def test_a_mirror_that_would_see_or_has_credentials_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", value)
    monkeypatch.setenv("HF_TOKEN", "hf_SECRET")
    with pytest.raises(BadFile, match=said) as refused:
        store.bring(ADDRESS, SHA256)
    assert "SECRET" not in f"{refused.value.problem}{refused.value.allowed}{refused.value.todo}"

"""An image is copied byte for byte, with what refers to it, or its tag is not there."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipway.errors.base import SlipwayError
from slipway.errors.images import CopyFailed, RepositoryMissing, TagTaken
from slipway.registry.copying import copy_image, digest_there
from tests.support.fake_registry import IMAGE, INDEX, Answer, FakeRegistry, digest_of, entry, registry

LAYERS = (b"weights" * 10_000, b"server")


@pytest.fixture(autouse=True)
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture
def first() -> Iterator[FakeRegistry]:
    with registry() as fake:
        yield fake


@pytest.fixture
def second() -> Iterator[FakeRegistry]:
    with registry() as fake:
        yield fake


def copied(source: FakeRegistry, target: FakeRegistry, manifest: bytes, said: list[str] | None = None) -> str:
    """Copy an image of `staging/digits` to `prod/digits:new`, without a pause."""
    tell = (said if said is not None else []).append
    name = f"{source.host}/staging/digits@{digest_of(manifest)}"
    return copy_image(name, f"{target.host}/prod/digits:new", tell, lambda _: None)


def tagged(fake: FakeRegistry) -> bytes | None:
    found = fake.manifests.get(("prod/digits", "new"))
    return found[1] if found else None


def test_an_image_arrives_in_another_registry_byte_for_byte(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    assert copied(first, second, manifest) == digest_of(manifest)
    assert tagged(second) == manifest
    assert {data for (where, _), data in second.blobs.items() if where == "prod/digits"} >= set(LAYERS)
    assert digest_there(f"{second.host}/prod/digits:new") == digest_of(manifest)


def test_a_tag_that_nothing_has_is_no_error(first: FakeRegistry) -> None:
    assert digest_there(f"{first.host}/prod/digits:new") is None


def test_one_registry_takes_blobs_from_its_other_repository_and_none_is_sent(first: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    copied(first, first, manifest)
    assert tagged(first) == manifest
    assert [path for path in first.sent("GET") if "/blobs/" in path] == []
    assert [path for path in first.sent("PUT") if "/blobs/" in path] == []


def test_a_registry_that_mounts_nothing_is_sent_the_blobs(first: FakeRegistry) -> None:
    first.mounts = False
    manifest = first.image("staging/digits", layers=LAYERS)
    copied(first, first, manifest)
    assert tagged(first) == manifest


def test_what_is_there_is_not_sent_again(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    second.put_blob("prod/digits", LAYERS[0])
    said: list[str] = []
    copied(first, second, manifest, said)
    assert not any(digest_of(LAYERS[0])[:19] in line for line in said)
    assert any(digest_of(LAYERS[1])[:19] in line for line in said)


def test_a_list_of_images_arrives_with_all_of_them(first: FakeRegistry, second: FakeRegistry) -> None:
    images = [first.image("staging/digits", layers=(name,)) for name in (b"amd64", b"arm64")]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(image, IMAGE) for image in images]}
    manifest = first.put_manifest("staging/digits", index)
    copied(first, second, manifest)
    assert tagged(second) == manifest
    assert {second.manifests["prod/digits", digest_of(image)][1] for image in images} == set(images)


def signed(fake: FakeRegistry) -> tuple[bytes, bytes, bytes]:
    """An image, its signature, and what vouches for the signature."""
    image = fake.image("staging/digits")
    signature = fake.image("staging/digits", layers=(b"signature",), subject=entry(image, IMAGE), artifactType="a/sig")
    about = fake.image("staging/digits", layers=(b"about it",), subject=entry(signature, IMAGE))
    return image, signature, about


def test_what_refers_to_an_image_comes_along(first: FakeRegistry, second: FakeRegistry) -> None:
    image, signature, about = signed(first)
    copied(first, second, image)
    for manifest in (image, signature, about):
        assert second.manifests["prod/digits", digest_of(manifest)][1] == manifest
    assert not any(name.startswith("sha256-") for _, name in second.manifests)


def test_where_no_registry_lists_referrers_they_stand_under_a_tag(first: FakeRegistry, second: FakeRegistry) -> None:
    first.lists = second.lists = False
    image, signature, _ = signed(first)
    other = entry(b"of another tool", IMAGE)
    first.put_manifest(
        "staging/digits",
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(signature, IMAGE), entry(b"deleted", IMAGE)]},
        digest_of(image).replace(":", "-"),
    )
    tag = digest_of(image).replace(":", "-")
    second.put_manifest("prod/digits", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [other]}, tag)
    copied(first, second, image)
    copied(first, second, image)
    listed = json.loads(second.manifests["prod/digits", tag][1])["manifests"]
    assert [one["digest"] for one in listed] == [other["digest"], digest_of(signature)]
    assert listed[1]["artifactType"] == "a/sig"


def test_a_layer_that_is_in_no_registry_is_left_where_it_is(first: FakeRegistry, second: FakeRegistry) -> None:
    image = json.loads(first.image("staging/digits"))
    image["layers"].append(entry(b"elsewhere", urls=["https://example.com/layer"]))
    manifest = first.put_manifest("staging/digits", image)
    copied(first, second, manifest)
    assert tagged(second) == manifest


def test_a_tag_of_another_image_is_not_moved(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits")
    built = second.image("prod/digits", "new", layers=(b"built there",))
    with pytest.raises(TagTaken, match=digest_of(built)):
        copied(first, second, manifest)
    assert tagged(second) == built


def test_a_registry_that_breaks_off_is_asked_again(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    first.cut = [10_000_000, 5_000, 5_000]  # the configuration arrives, then the weights at the third attempt
    copied(first, second, manifest)
    assert tagged(second) == manifest


def test_one_that_always_breaks_off_leaves_no_tag_and_what_arrived(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    first.cut = [10_000_000, *[5_000] * 9]
    with pytest.raises(CopyFailed, match=r"broke off after|sent 5000 bytes of 70000"):
        copied(first, second, manifest)
    assert tagged(second) is None
    first.cut, first.asked = [], []
    copied(first, second, manifest)
    assert tagged(second) == manifest
    config = json.loads(manifest)["config"]["digest"]
    assert not any(config in path for path in first.sent("GET"))


def test_a_blob_of_another_digest_never_arrives(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    first.blobs["staging/digits", digest_of(LAYERS[0])] = LAYERS[0][:-1] + b"!"
    with pytest.raises(CopyFailed, match="sent other bytes"):
        copied(first, second, manifest)
    assert tagged(second) is None


def test_a_manifest_of_another_digest_is_refused(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits")
    first.manifests["staging/digits", digest_of(manifest)] = (IMAGE, manifest + b" ")
    with pytest.raises(CopyFailed, match="sent a manifest of the digest"):
        copied(first, second, manifest)


def test_a_missing_blob_is_named(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    del first.blobs["staging/digits", digest_of(LAYERS[1])]
    with pytest.raises(CopyFailed, match=f"does not have blob {digest_of(LAYERS[1])}"):
        copied(first, second, manifest)


def test_an_image_that_is_gone_is_named(first: FakeRegistry, second: FakeRegistry) -> None:
    with pytest.raises(CopyFailed, match="does not have manifest sha256:"):
        copied(first, second, b"{}")


def test_a_repository_that_is_not_made_by_a_push_is_told_apart(first: FakeRegistry, second: FakeRegistry) -> None:
    second.creates = False
    manifest = first.image("staging/digits")
    with pytest.raises(RepositoryMissing, match="no such repository"):
        copied(first, second, manifest)


def test_what_is_no_image_is_refused(first: FakeRegistry, second: FakeRegistry) -> None:
    value = {"schemaVersion": 1, "mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"}
    data = first.put_manifest("staging/digits", value)
    first.manifests["staging/digits", digest_of(data)] = (IMAGE, data)
    with pytest.raises(CopyFailed, match="not an image or a list of images"):
        copied(first, second, data)


def fault(
    status: int, body: bytes, times: int, path: str = "/v2/", headers: dict[str, str] | None = None
) -> Callable[[str, str], Answer | None]:
    left = [None] * times

    def answer(_: str, url: str) -> Answer | None:
        if path not in url or not left:
            return None
        left.pop()
        return status, headers or {}, body

    return answer


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_registry_is_asked_again(first: FakeRegistry, second: FakeRegistry, status: int) -> None:
    manifest = first.image("staging/digits")
    first.faults.append(fault(status, b"", 3, "/manifests/"))
    second.faults.append(fault(status, b"", 3, "/uploads/"))
    copied(first, second, manifest)
    assert tagged(second) == manifest


def test_a_registry_says_how_long_to_wait(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits")
    first.faults.append(fault(429, b"", 1, "/manifests/", {"Retry-After": "7"}))
    first.faults.append(fault(429, b"", 1, "/manifests/", {"Retry-After": "86400"}))
    pauses: list[float] = []
    name = f"{first.host}/staging/digits@{digest_of(manifest)}"
    copy_image(name, f"{second.host}/prod/digits:new", lambda _: None, pauses.append)
    assert pauses == [7, 60]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "its login may be missing or have expired"),
        (403, "your token has expired"),
        (404, "does not have manifest"),
        (429, "takes no more requests"),
        (500, "answers 500"),
    ],
)
def test_a_refusal_is_told_in_the_registrys_words(
    first: FakeRegistry, second: FakeRegistry, status: int, said: str
) -> None:
    manifest = first.image("staging/digits")
    body = json.dumps({"errors": [{"code": "DENIED", "message": "your token has expired\n"}]}).encode()
    first.faults.append(fault(status, body, 1000, "/manifests/"))
    with pytest.raises(CopyFailed, match=said) as raised:
        copied(first, second, manifest)
    assert "\n" not in str(raised.value)
    assert tagged(second) is None


def test_an_address_that_is_a_permission_is_not_shown(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits", layers=LAYERS)
    elsewhere = {"Location": "http://127.0.0.1:1/bucket/blob?X-Signature=s3cret"}
    first.faults.append(lambda method, url: (307, elsewhere, b"") if method == "GET" and "/blobs/" in url else None)
    with pytest.raises(CopyFailed, match="does not answer") as raised:
        copied(first, second, manifest)
    assert "s3cret" not in str(raised.value)


def test_within_one_repository_nothing_is_copied(first: FakeRegistry) -> None:
    manifest = first.image("prod/digits", "new", layers=LAYERS)
    name = f"{first.host}/prod/digits@{digest_of(manifest)}"
    copy_image(name, f"{first.host}/prod/digits:new", lambda _: None)
    assert [line.partition(" ")[0] for line in first.asked] == ["HEAD"]
    copy_image(name, f"{first.host}/prod/digits:other", lambda _: None)
    assert first.manifests["prod/digits", "other"][1] == manifest
    assert first.sent("POST") == []


def test_no_answer_at_all_is_told(second: FakeRegistry) -> None:
    name = f"127.0.0.1:1/staging/digits@{digest_of(b'')}"
    with pytest.raises(CopyFailed, match="does not answer"):
        copy_image(name, f"{second.host}/prod/digits:new", lambda _: None, lambda _: None)


@pytest.mark.parametrize("tokens", [False, True])
def test_credentials_come_from_dockers_configuration(
    first: FakeRegistry, second: FakeRegistry, tmp_path: Path, *, tokens: bool
) -> None:
    first.user, first.tokens = ("anna", "s3cret"), tokens
    second.user, second.tokens = ("deploy", "pass:word"), tokens
    auths = {first.host: {"auth": "YW5uYTpzM2NyZXQ="}, second.host: {"auth": "ZGVwbG95OnBhc3M6d29yZA=="}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    manifest = first.image("staging/digits", layers=LAYERS)
    copied(first, second, manifest)
    assert tagged(second) == manifest
    if tokens:
        assert first.scopes == [["repository:staging/digits:pull"]]
        assert second.scopes == [["repository:prod/digits:pull,push"]]


def test_a_wrong_password_is_refused_and_not_shown(first: FakeRegistry, second: FakeRegistry, tmp_path: Path) -> None:
    first.user = ("anna", "s3cret")
    (tmp_path / "config.json").write_text(json.dumps({"auths": {first.host: {"auth": "YW5uYTp3cm9uZw=="}}}))
    manifest = first.image("staging/digits")
    with pytest.raises(SlipwayError, match="refuses manifest") as raised:
        copied(first, second, manifest)
    assert "wrong" not in str(raised.value)
    assert "YW5u" not in str(raised.value)


def test_a_token_that_ends_while_a_blob_is_sent_is_renewed(
    first: FakeRegistry, second: FakeRegistry, tmp_path: Path
) -> None:
    second.user, second.tokens = ("deploy", "pass:word"), True
    (tmp_path / "config.json").write_text(json.dumps({"auths": {second.host: {"auth": "ZGVwbG95OnBhc3M6d29yZA=="}}}))
    manifest = first.image("staging/digits", layers=LAYERS)
    challenge = f'Bearer realm="http://{second.host}/token",service="fake"'
    second.faults.append(fault(401, b"", 1, "uploads/one", {"WWW-Authenticate": challenge}))
    copied(first, second, manifest)
    assert tagged(second) == manifest


def test_an_endless_manifest_is_not_read_to_its_end(first: FakeRegistry, second: FakeRegistry) -> None:
    manifest = first.image("staging/digits")
    first.faults.append(fault(200, b" " * (5 * 2**20), 1, digest_of(manifest)))
    with pytest.raises(CopyFailed, match="sent more than 4194304 bytes"):
        copied(first, second, manifest)

"""Unsigned, wrongly signed and swapped images are refused before anything runs them; only what a run made is signed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import slipway.signing.seal
from slipway.components.image.component import ModelImageArgs
from slipway.components.image.sealed import sealed
from slipway.errors.base import UserErrors
from slipway.loading.settings import SettingsFile
from slipway.lockfile.files import Locked
from slipway.plan.model import ModelPlan
from slipway.reading.yaml_document import Document
from slipway.settings.signing import Signing
from slipway.signing.errors import ImageRefused, KeyRefused, NoPrivateKey
from slipway.signing.locks import sign_lock
from slipway.signing.seal import MODEL, Seal, annotations
from tests.support.fake_cosign import FakeCosign
from tests.support.planned import fixture_plan

PUBLIC = "-----BEGIN PUBLIC KEY-----\nours\n-----END PUBLIC KEY-----"
OTHER = PUBLIC.replace("ours", "theirs")
DIGEST = "sha256:" + "1" * 64
LEAST = fixture_plan("local").find("least", Path())
Make = Callable[..., Seal]


@pytest.fixture
def cosign() -> FakeCosign:
    return FakeCosign(pairs={})


@pytest.fixture
def seal(tmp_path: Path, cosign: FakeCosign) -> Make:
    """Makes the seal of an environment; `key`: whether there is a private one."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/Pulumi.yaml").write_text("")
    (tmp_path / "project/cosign.pub").write_text(PUBLIC)
    private = tmp_path / "cosign.key"
    private.write_text("private")
    cosign.pairs[str(private)] = PUBLIC

    def make(*, key: bool = False, required: bool = True) -> Seal:
        file = SettingsFile("local", fixture_plan("local").settings, Document(str(tmp_path / "project/x.yaml"), {}, {}))
        variables: Mapping[str, str] = (
            {"SLIPWAY_SIGNING_KEY": str(private), "COSIGN_PASSWORD": ""} if key else {"PATH": ""}
        )
        return Seal(file, Signing(key="cosign.pub", required=required), variables, lambda _: cosign)

    return make


class Registry:
    """One image, once it was made."""

    def __init__(self, *, there: bool = False) -> None:
        self.there = there
        self.made = 0

    def args(self) -> ModelImageArgs:
        def ensure(_: Callable[[str], None]) -> str:
            self.made += not self.there
            self.there = True
            return DIGEST

        return ModelImageArgs("reg/least", "0" * 16, lambda: DIGEST if self.there else None, ensure)


def brought(registry: Registry, seal: Seal | None, model: ModelPlan = LEAST) -> list[str]:
    """Have the image there; gives what was said of it."""
    said: list[str] = []
    assert sealed(registry.args(), model, seal, said.append).ensure(lambda _: None) == DIGEST
    return said


def test_what_a_run_made_is_signed_with_its_bill_of_materials(seal: Make, cosign: FakeCosign) -> None:
    brought(Registry(), seal(key=True))
    ((by, said, sbom),) = cosign.signed[DIGEST]
    assert (by, said) == (PUBLIC, annotations(LEAST))
    assert b'"CycloneDX"' in sbom


def test_what_is_signed_runs_without_a_private_key(seal: Make, cosign: FakeCosign) -> None:
    brought(Registry(), seal(key=True))
    assert brought(Registry(there=True), seal()) == [f"image: image reg/least@{DIGEST} is signed"]
    assert len(cosign.signed[DIGEST]) == 1


def test_without_a_private_key_nothing_is_made(seal: Make) -> None:
    registry = Registry()
    with pytest.raises(NoPrivateKey, match="has to be made, and there is no private key"):
        brought(registry, seal())
    assert registry.made == 0


def test_what_others_pushed_is_not_signed_but_refused(seal: Make, cosign: FakeCosign) -> None:
    with pytest.raises(ImageRefused, match=r"is not signed.*slipway sign-image local least"):
        brought(Registry(there=True), seal(key=True))
    assert cosign.signed == {}


def test_another_key_is_refused(seal: Make, cosign: FakeCosign) -> None:
    cosign.signed[DIGEST] = [(OTHER, annotations(LEAST), b"")]
    with pytest.raises(ImageRefused, match="has no right signature"):
        brought(Registry(there=True), seal())


@pytest.mark.parametrize("model", [replace(LEAST, name="other"), replace(LEAST, image=replace(LEAST.image, files=()))])
def test_a_signed_image_of_something_else_is_refused(seal: Make, cosign: FakeCosign, model: ModelPlan) -> None:
    """Whoever may push could else put an older release, or another model, under the tag."""
    cosign.signed[DIGEST] = [(PUBLIC, annotations(model), b"")]
    with pytest.raises(ImageRefused, match="has no right signature"):
        brought(Registry(there=True), seal())


def test_a_former_release_needs_a_signature_of_its_model(seal: Make, cosign: FakeCosign) -> None:
    cosign.signed[DIGEST] = [(PUBLIC, {MODEL: "least", "slipway.dev/made-of": "something former"}, b"")]
    seal().verify_release("local", "least", f"reg/least@{DIGEST}", lambda _: None)
    with pytest.raises(ImageRefused, match="has no right signature"):
        seal().verify_release("local", "other", f"reg/least@{DIGEST}", lambda _: None)


def test_where_signatures_are_not_required_a_wrong_one_is_a_warning(seal: Make) -> None:
    assert brought(Registry(), seal(required=False)) == [f"image: warning: image reg/least@{DIGEST} is not signed"]


def test_a_promoted_image_is_never_signed_but_verified(seal: Make, cosign: FakeCosign) -> None:
    promoted = replace(LEAST, image=replace(LEAST.image, copied_from=f"reg/first@{DIGEST}"))
    with pytest.raises(ImageRefused, match="is not signed"):
        brought(Registry(), seal(key=True), promoted)
    cosign.signed[DIGEST] = [(PUBLIC, annotations(LEAST), b"")]
    brought(Registry(), seal(), promoted)


def test_the_same_image_is_made_of_the_same_in_a_registry_of_another_environment() -> None:
    runtime = replace(LEAST.image.runtime, repository="other", base_image="other/base@sha256:1")
    ours = replace(LEAST.image, below=replace(LEAST.image.runtime, base_image="reg/base@sha256:1"))
    assert annotations(replace(LEAST, image=ours)) == annotations(
        replace(LEAST, image=replace(ours, repository="other", below=runtime))
    )


def test_nothing_is_asked_where_nothing_is_signed() -> None:
    assert brought(Registry(), None) == []


def prepared(seal: Seal, monkeypatch: pytest.MonkeyPatch, *, lock: Path | None = None, there: bool = True) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(slipway.signing.seal, "digest_there", lambda _: DIGEST if there else None)
    locked = None if lock is None else Locked(cast(Any, None), lock, lock.parent)
    seal.prepare([replace(LEAST, locked=locked)], said.append)
    return said


def test_an_unsigned_or_changed_lock_is_refused(
    seal: Make, cosign: FakeCosign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "least.lock.yaml"
    lock.write_text("lock: 1\n")
    with pytest.raises(UserErrors, match=r"least\.lock\.yaml: is not signed.*slipway sign least"):
        prepared(seal(), monkeypatch, lock=lock)
    sign_lock(cosign, lock, str(tmp_path / "cosign.key"))
    assert prepared(seal(), monkeypatch, lock=lock) == []
    lock.write_text("lock: 1\nmodel: other\n")
    with pytest.raises(UserErrors, match="was changed after it was signed, or signed with another key"):
        prepared(seal(), monkeypatch, lock=lock)
    assert "was changed after it was signed" in prepared(seal(required=False), monkeypatch, lock=lock)[0]


def test_a_new_image_is_refused_before_anything_is_changed(seal: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserErrors, match="SLIPWAY_SIGNING_KEY"):
        prepared(seal(), monkeypatch, there=False)
    assert prepared(seal(key=True), monkeypatch, there=False) == []


def test_a_private_key_of_another_pair_is_refused(
    seal: Make, cosign: FakeCosign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cosign.pairs[str(tmp_path / "cosign.key")] = OTHER
    with pytest.raises(KeyRefused, match="is not the private half of"):
        prepared(seal(key=True), monkeypatch)

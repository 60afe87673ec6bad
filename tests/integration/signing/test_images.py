"""Images in Debian's docker-registry, which lists nothing that refers to them, signed and verified by the real cosign.

The network of other places is taken from cosign where it has to do without.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.errors.images import ImageMissing
from slipway.registry.client import RepositoryClient
from slipway.registry.copying import copy_image
from slipway.registry.repository import Repository
from slipway.signing.cosign import Cosign
from slipway.signing.errors import CosignFailed
from tests.integration.signing.conftest import Keys
from tests.support.pushed_artifacts import push
from tests.support.registries import docker_registry

pytestmark = pytest.mark.integration

SAID = {"slipway.dev/model": "digits", "slipway.dev/made-of": "0" * 64}
SBOM = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6"}).encode()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry") / "one") as address:
        yield address


@pytest.fixture
def program(variables: dict[str, str]) -> Cosign:
    return Cosign.found(variables)


def pushed(registry: str, repository: str, text: bytes) -> str:
    return f"{registry}/{repository}@{push(registry, repository, '0123456789abcdef', {'model': text})}"


def test_a_signed_image_is_verified_and_no_other(registry: str, program: Cosign, ours: Keys, theirs: Keys) -> None:
    image, other = pushed(registry, "slipway/digits", b"one"), pushed(registry, "slipway/digits", b"two")
    assert program.wrong_with_image(image, str(ours.public), SAID) == "is not signed"
    program.sign_image(image, str(ours.private), SAID, SBOM)
    assert program.wrong_with_image(image, str(ours.public), SAID) is None
    assert program.wrong_with_image(other, str(ours.public), SAID) == "is not signed"
    for key, said in ((theirs.public, SAID), (ours.public, SAID | {"slipway.dev/model": "speech"})):
        wrong = program.wrong_with_image(image, str(key), said)
        assert wrong is not None
        assert "has no right signature" in wrong


def test_the_bill_of_materials_is_attached_signed(
    registry: str, program: Cosign, cosign: Path, variables: dict[str, str], ours: Keys
) -> None:
    image = pushed(registry, "slipway/listed", b"one")
    program.sign_image(image, str(ours.private), SAID, SBOM)
    client = RepositoryClient(Repository.of(image.partition("@")[0]))
    assert len(list(client.referrers(image.partition("@")[2]))) == 2
    command = [str(cosign), "verify-attestation", "--key", str(ours.public), "--type", "cyclonedx"]
    command += ["--insecure-ignore-tlog=true", image]
    subprocess.run(command, env=variables, check=True, capture_output=True, timeout=60)


def test_a_promoted_image_brings_its_signatures(registry: str, program: Cosign, ours: Keys, tmp_path: Path) -> None:
    image = pushed(registry, "slipway/promoted", b"one")
    program.sign_image(image, str(ours.private), SAID, SBOM)
    with docker_registry(tmp_path / "other") as elsewhere:
        for target in (f"{registry}/prod/promoted", f"{elsewhere}/prod/promoted"):
            digest = copy_image(image, f"{target}:0123456789abcdef", lambda _: None)
            assert program.wrong_with_image(f"{target}@{digest}", str(ours.public), SAID) is None


def test_a_signature_of_an_image_that_is_gone_is_not_found(registry: str, program: Cosign, ours: Keys) -> None:
    gone = f"{registry}/slipway/digits@sha256:{'0' * 64}"
    with pytest.raises(CosignFailed):
        program.sign_image(gone, str(ours.private), SAID, SBOM)
    client = RepositoryClient(Repository.of(gone.partition("@")[0]))
    with pytest.raises(ImageMissing):
        client.manifest(f"sha256-{'0' * 64}")


def test_a_lock_is_signed_and_verified_without_a_network(
    cosign: Path, program: Cosign, variables: dict[str, str], ours: Keys, theirs: Keys, tmp_path: Path
) -> None:
    lock, signature = tmp_path / "digits.lock.yaml", tmp_path / "digits.lock.sig"
    lock.write_text("lock: 1\n")
    (tmp_path / "bin").mkdir()
    alone = tmp_path / "bin/cosign"
    alone.write_text(f'#!/bin/sh\nexec unshare -n {cosign} "$@"\n')
    alone.chmod(0o755)
    closed = Cosign.found(variables | {"SLIPWAY_COSIGN": str(alone)})
    closed.sign_file(lock, str(ours.private), signature)
    assert closed.wrong_with_file(lock, str(ours.public), signature) is None
    assert program.wrong_with_file(lock, str(theirs.public), signature) is not None
    lock.write_text("lock: 2\n")
    assert "invalid signature" in str(program.wrong_with_file(lock, str(ours.public), signature))


def test_a_wrong_password_signs_nothing(variables: dict[str, str], ours: Keys, tmp_path: Path) -> None:
    lock, signature = tmp_path / "digits.lock.yaml", tmp_path / "digits.lock.sig"
    lock.write_text("lock: 1\n")
    with pytest.raises(CosignFailed, match="decryption failed"):
        Cosign.found(variables | {"COSIGN_PASSWORD": "another"}).sign_file(lock, str(ours.private), signature)
    assert not signature.exists()


def test_a_damaged_signature_is_refused(program: Cosign, ours: Keys, tmp_path: Path) -> None:
    lock, signature = tmp_path / "digits.lock.yaml", tmp_path / "digits.lock.sig"
    lock.write_text("lock: 1\n")
    signature.write_text("no signature")
    assert "invalid character" in str(program.wrong_with_file(lock, str(ours.public), signature))


def test_the_public_half_of_a_key_is_found(program: Cosign, ours: Keys) -> None:
    assert program.public_key(str(ours.private)) == ours.public.read_text().strip()
